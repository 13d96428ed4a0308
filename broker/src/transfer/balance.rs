//! Each core tells core 0 what it and its partitions did; that decides what had better be elsewhere, and has it brought
//! there.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use corelog_storage::ids::LogId;

use super::{
    Letter,
    balance_machine::{Balance, Done},
    giver, tell,
};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    limits::LOAD_REPORT,
    partition::Partition,
    placement::Move,
    router::metadata::CONTROLLER,
};

/// Bytes that cost a partition as much as one request more.
const BYTES_OF_A_REQUEST: usize = 8 << 10;

/// What the partitions of a core had to do since it was last asked: its cost follows their number in use.
#[derive(Default)]
pub(super) struct Work {
    /// Somebody asks.
    counts: Cell<bool>,
    in_use: RefCell<Vec<LogId>>,
    bytes: Cell<u64>,
}

/// A partition of this core had a request, with so many bytes.
pub(crate) fn worked<E: NetEnv>(core: &Core<E>, partition: &Partition<E>, bytes: usize) {
    let work = &core.transfers.work;
    if !work.counts.get() {
        return;
    }
    work.bytes.set(work.bytes.get() + bytes as u64);
    if partition.add_work(1 + (bytes / BYTES_OF_A_REQUEST) as u64) {
        work.in_use.borrow_mut().push(partition.id());
    }
}

/// Tells what this core did, again and again, until it stops; on core 0 decides.
pub(crate) async fn keep_balance<E: NetEnv>(core: Rc<Core<E>>) {
    let mut balance = (core.id == CONTROLLER).then(|| Balance::new(core.cores()));
    let (mut cpu, mut at) = (core.env.cpu_time(), core.env.now());
    let mut told_nothing = true;
    core.transfers.work.counts.set(true);
    while !core.connections.stopping() {
        core.env.sleep(LOAD_REPORT).await;
        let (cpu_before, at_before) = (cpu, at);
        (cpu, at) = (core.env.cpu_time(), core.env.now());
        let done = take(&core, cpu.saturating_sub(cpu_before), at.since(at_before));
        let Some(balance) = &mut balance else {
            let nothing = done.work.is_empty() && !done.giving;
            if !(std::mem::replace(&mut told_nothing, nothing) && nothing) {
                tell(&core, CONTROLLER, Letter::Done(done));
            }
            continue;
        };
        balance.heard(core.id, done);
        for (from, done) in core.transfers.heard.borrow_mut().drain(..) {
            balance.heard(from, done);
        }
        carry_out(&core, balance.decide(at));
    }
}

/// What the core did in the time that has gone by.
fn take<E: NetEnv>(core: &Core<E>, cpu: Duration, time: Duration) -> Done {
    let in_use = core.transfers.work.in_use.take();
    let work = in_use.into_iter().filter_map(|log| {
        let partition = core.partitions.get(log)?;
        let work = partition.take_work();
        (!partition.is_internal()).then_some((log, work))
    });
    let nanos = time.as_nanos().max(1);
    let cpu = (cpu.as_nanos() * 1000 / nanos) as u64;
    let bytes = (u128::from(core.transfers.work.bytes.take()) * 1_000_000_000 / nanos) as u64;
    Done { cpu, bytes, work: work.collect(), giving: core.transfers.running() }
}

fn carry_out<E: NetEnv>(core: &Rc<Core<E>>, moves: Vec<Move>) {
    for from in (0..core.cores()).map(CoreId) {
        let wanted: Vec<_> = moves.iter().filter(|step| step.from == from).map(|step| (step.log, step.to)).collect();
        if wanted.is_empty() {
            continue;
        }
        tracing::debug!(core = from.0, count = wanted.len(), "partitions in use are to be on another core");
        if from == core.id {
            giver::ask_all(core, &wanted);
        } else {
            tell(core, from, Letter::Give(wanted));
        }
    }
}
