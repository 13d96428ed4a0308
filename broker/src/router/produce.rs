//! Produce over the cores: appended or forwarded in the order read, acknowledged when every owner has answered.
//!
//! Order: the reading loop of a connection begins one produce request after the other. Beginning appends what this core
//! owns and takes a place in the mailbox of each other owner, which appends in the order of its mailbox. So the batches
//! of one connection reach each partition in the order sent.

use std::{rc::Rc, time::Duration};

use corelog_storage::{
    env::{Instant, Lane},
    ids::{LogId, Offset, Timestamp},
    log::{self, Ticket},
};

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    metrics::Stage,
    partition::{
        Partition,
        append::{Acks, Records},
        hold::{Given, Settled},
    },
    router::{Caller, CoreMessage, CoreReply, Pending},
    slot::Filled,
    timeout::within,
    transfer::balance,
};

/// A batch on its way to its partition.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The partition's log.
    pub log: LogId,
    /// What to append.
    pub records: Records,
    /// How long to wait for the acknowledgement.
    pub timeout: Duration,
}

/// What became of a batch.
pub type Produced = Result<Accepted, Fault>;

/// A batch that was appended, and acknowledged as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// The broker's time that its records took, if the topic asks for that.
    pub log_append_time: Option<Timestamp>,
    /// Where the log starts.
    pub log_start: Offset,
}

/// A produce request that was begun: its batches have their places in their partitions.
pub struct Begun<E: NetEnv> {
    local: Vec<(usize, Result<Placed<E>, Fault>)>,
    remote: Vec<(Vec<usize>, Result<Pending, Fault>)>,
    refused: Vec<(usize, Fault)>,
    count: usize,
    timeout: Duration,
}

/// A batch with its place in a partition of this core.
enum Placed<E: NetEnv> {
    At(Appended<E>),
    /// The partition goes to another data directory or core just now, or there is no room.
    Waits {
        partition: Rc<Partition<E>>,
        acks: Acks,
        bytes: usize,
        filled: Filled<Result<Settled, Fault>>,
    },
}

/// A batch in a log of this core, not yet acknowledged.
struct Appended<E: NetEnv> {
    partition: Rc<Partition<E>>,
    acks: Acks,
    ticket: Ticket,
    accepted: Accepted,
    /// By the turn.
    at: Instant,
}

/// Begins a produce request: `batches` in its order, with their owners. Waits only for places in other cores'
/// mailboxes.
pub async fn begin<E: NetEnv>(
    core: &Rc<Core<E>>,
    batches: Vec<Result<(CoreId, Routed), Fault>>,
    timeout: Duration,
) -> Begun<E> {
    let mut begun = Begun { local: Vec::new(), remote: Vec::new(), refused: Vec::new(), count: batches.len(), timeout };
    let mut forwards: Vec<(CoreId, Vec<usize>, Vec<Routed>)> = Vec::new();
    for (index, batch) in batches.into_iter().enumerate() {
        match batch {
            Err(fault) => begun.refused.push((index, fault)),
            Ok((owner, routed)) if owner == core.id => begun.local.push((index, place(core, routed))),
            Ok((owner, routed)) => match forwards.iter_mut().find(|(to, ..)| *to == owner) {
                Some((_, indices, share)) => {
                    indices.push(index);
                    share.push(routed);
                }
                None => forwards.push((owner, vec![index], vec![routed])),
            },
        }
    }
    for (owner, indices, share) in forwards {
        let sent = core.router.mailbox.submit(owner, CoreMessage::Produce(share)).await;
        begun.remote.push((indices, sent.map_err(Fault::from)));
    }
    begun
}

impl<E: NetEnv> Begun<E> {
    /// Waits for every acknowledgement; the outcomes are in the request's order.
    pub async fn finish(self, core: &Core<E>) -> Vec<Produced> {
        let mut outcomes: Vec<Produced> = vec![Err(Fault::TimedOut); self.count];
        for (index, fault) in self.refused {
            outcomes[index] = Err(fault);
        }
        for (index, placed) in self.local {
            outcomes[index] = match placed {
                Ok(placed) => acknowledged(core, placed, self.timeout).await,
                Err(fault) => Err(fault),
            };
        }
        for (indices, sent) in self.remote {
            let answers = match sent {
                Ok(pending) => pending.await.map_err(Fault::from),
                Err(fault) => Err(fault),
            };
            match answers {
                Ok(CoreReply::Produced(answers)) => {
                    indices.into_iter().zip(answers).for_each(|(index, answer)| outcomes[index] = answer);
                }
                Ok(_) => unreachable!("a produce request is answered as such"),
                Err(fault) => indices.into_iter().for_each(|index| outcomes[index] = Err(fault.clone())),
            }
        }
        outcomes
    }
}

/// Appends what another core sent, at once; answers when it is acknowledged.
pub(super) fn serve<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, batches: Vec<Routed>) {
    let placed: Vec<_> = batches
        .into_iter()
        .map(|routed| {
            let timeout = routed.timeout;
            (place(core, routed), timeout)
        })
        .collect();
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let mut outcomes = Vec::with_capacity(placed.len());
        for (placed, timeout) in placed {
            outcomes.push(match placed {
                Ok(placed) => acknowledged(&core, placed, timeout).await,
                Err(fault) => Err(fault),
            });
        }
        caller.reply(CoreReply::Produced(outcomes));
    });
}

/// Acknowledges batches that another core had waiting for a partition when it came here, as they ask.
pub(crate) async fn settle<E: NetEnv>(
    core: &Core<E>,
    partition: Rc<Partition<E>>,
    waiting: Vec<(Acks, usize, Duration, Filled<Result<Settled, Fault>>)>,
) -> Vec<Produced> {
    let mut outcomes = Vec::with_capacity(waiting.len());
    for (acks, bytes, timeout, filled) in waiting {
        let placed = Placed::Waits { partition: partition.clone(), acks, bytes, filled };
        outcomes.push(acknowledged(core, placed, timeout).await);
    }
    outcomes
}

/// Gives a batch its place in its partition.
fn place<E: NetEnv>(core: &Core<E>, routed: Routed) -> Result<Placed<E>, Fault> {
    let partition = core.led(routed.log)?;
    let (acks, bytes) = (routed.records.acks, routed.records.bytes.len());
    match partition.give(&core.env, routed.records, routed.timeout) {
        Given::At(appended) => Ok(Placed::At(take(core, partition, (acks, bytes), appended?))),
        Given::Waits(filled) => Ok(Placed::Waits { partition, acks, bytes, filled }),
    }
}

/// Counts a batch that is appended.
fn take<E: NetEnv>(
    core: &Core<E>,
    partition: Rc<Partition<E>>,
    (acks, bytes): (Acks, usize),
    appended: log::Appended,
) -> Appended<E> {
    let accepted = Accepted {
        base_offset: appended.base_offset,
        log_append_time: appended.log_append_time,
        log_start: partition.log().start(),
    };
    balance::worked(core, &partition, bytes);
    if !appended.duplicate {
        core.metrics.count(|counts| {
            counts.appended_records += (appended.last_offset.0 - appended.base_offset.0 + 1) as u64;
            counts.appended_bytes += bytes as u64;
        });
    }
    Appended { partition, acks, ticket: appended.ticket, accepted, at: core.env.turn() }
}

async fn acknowledged<E: NetEnv>(core: &Core<E>, placed: Placed<E>, timeout: Duration) -> Produced {
    let appended = match placed {
        Placed::At(appended) => appended,
        Placed::Waits { partition, acks, bytes, filled } => {
            let filled = within(&core.env, timeout, filled).await.ok_or(Fault::TimedOut)?;
            match filled.ok_or(Fault::NotLeader)?? {
                Settled::Here(appended) => take(core, partition, (acks, bytes), appended),
                Settled::There(accepted) => return Ok(accepted),
            }
        }
    };
    match appended.acks {
        Acks::None => {}
        Acks::Leader | Acks::All => {
            let durable = appended.partition.acknowledged(appended.ticket);
            within(&core.env, timeout, durable).await.ok_or(Fault::TimedOut)??;
            core.metrics.stage(Stage::Ack, appended.at, core.env.turn());
        }
    }
    Ok(appended.accepted)
}
