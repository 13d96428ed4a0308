//! The core that takes a partition over.

use std::{collections::VecDeque, rc::Rc};

use corelog_storage::{env::Lane, error::StorageError, ids::LogId, shard::Shard};

use super::{Adopt, Adopted, Go, Letter, tell};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    partition::hold::Waiting,
    router::produce::{self, Produced},
    slot,
};

/// The giver holds logs that are to be this core's.
pub(super) fn adopt<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, logs: Vec<Adopt>) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let take = |adopt| {
            let core = core.clone();
            async move { take(&core, adopt).await }
        };
        let adopted = slot::together(&core.env, logs.into_iter().map(take)).await;
        tell(&core, from, Letter::Adopted(adopted));
    });
}

async fn take<E: NetEnv>(core: &Rc<Core<E>>, adopt: Adopt) -> Adopted {
    let id = adopt.manifest.id;
    let shard = match usable_shard(core, id, &adopt) {
        Ok(shard) => shard,
        Err(why) => return Adopted::Refused(why),
    };
    core.transfers.under_way.borrow_mut().insert(id);
    let log = match shard.adopt(adopt.manifest).await {
        Ok(log) => log,
        Err(error @ StorageError::Exists(_)) => {
            core.transfers.under_way.borrow_mut().remove(&id);
            return Adopted::Refused(error.into());
        }
        Err(error) => {
            core.transfers.under_way.borrow_mut().remove(&id);
            return Adopted::Unknown(error.into());
        }
    };
    if core.partitions.take_over(core, log) {
        return Adopted::Done;
    }
    // Its topic is gone meanwhile.
    match give_back(core, &shard, id).await {
        Adopted::Done => Adopted::Refused(Fault::UnknownTopicOrPartition),
        other => other,
    }
}

fn usable_shard<E: NetEnv>(core: &Core<E>, id: LogId, adopt: &Adopt) -> Result<Rc<Shard<E>>, Fault> {
    let image = core.image();
    let state = image.partition(id).ok_or(Fault::UnknownTopicOrPartition)?;
    if let Some(error) = core.partitions.offline().why(id, state) {
        return Err(error.into());
    }
    let shard = core.directories.shard(adopt.directory).ok_or(Fault::NotLeader)?;
    match shard.failure() {
        Some(error) => Err(error.into()),
        None => Ok(shard.clone()),
    }
}

/// The metadata does not have it so.
pub(super) fn unadopt<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, logs: Vec<LogId>) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let mut undone = Vec::with_capacity(logs.len());
        for id in logs {
            undone.push(put_back(&core, id).await);
        }
        tell(&core, from, Letter::Adopted(undone));
    });
}

async fn put_back<E: NetEnv>(core: &Rc<Core<E>>, id: LogId) -> Adopted {
    let partition = core.partitions.get(id);
    let shard = partition.as_ref().and_then(|partition| core.directories.shard(partition.directory_on(core.node)?));
    let (Some(partition), Some(shard)) = (&partition, shard) else {
        // Its directory has failed.
        core.transfers.under_way.borrow_mut().remove(&id);
        return Adopted::Unknown(Fault::NotLeader);
    };
    core.partitions.let_go_of(partition);
    drop(partition.depart());
    give_back(core, shard, id).await
}

async fn give_back<E: NetEnv>(core: &Core<E>, shard: &Shard<E>, id: LogId) -> Adopted {
    let forgotten = shard.forget(id).await;
    core.transfers.under_way.borrow_mut().remove(&id);
    match forgotten {
        Ok(()) => Adopted::Done,
        Err(error) => Adopted::Unknown(error.into()),
    }
}

/// The giver has no claim any more: what waited there is appended, then what waits here.
pub(super) fn go<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, go: Go) {
    core.transfers.under_way.borrow_mut().remove(&go.log);
    let partition = core.partitions.get(go.log);
    if let (Some(partition), false) = (&partition, go.alone) {
        core.partitions.let_go_of(partition);
    }
    let now = core.env.now();
    let (mut waiting, mut places) = (VecDeque::new(), Vec::new());
    for (records, patience) in go.waited {
        let (acks, bytes) = (records.acks, records.bytes.len());
        let (slot, filled) = slot::pair();
        waiting.push_back(Waiting { records, slot, until: now.after(patience) });
        places.push((acks, bytes, patience, filled));
    }
    if let Some(partition) = &partition {
        partition.arrive(&core.env, waiting);
    }
    core.partitions.settle(core, go.log);
    if places.is_empty() {
        return;
    }
    let (core, parcel) = (core.clone(), go.parcel);
    core.env.clone().spawn(Lane::Latency, async move {
        let outcomes = match partition {
            Some(partition) => produce::settle(&core, partition, places).await,
            None => places.iter().map(|_| Produced::Err(Fault::NotLeader)).collect(),
        };
        tell(&core, from, Letter::Gone(parcel, outcomes));
    });
}
