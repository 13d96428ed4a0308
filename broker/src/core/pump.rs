//! The pump: each core's one place to sleep.
//!
//! It is the main future of the core's glommio executor. In each turn it reaps the ring, rings what the bell and the
//! timers announce, and gives way to every task that can run; when none can it submits what they queued and blocks in the
//! same call, until something completes or the next timer is due. glommio itself never parks: this future is always
//! ready to run.

use std::{cell::Cell, rc::Rc, time::Duration};

use crate::core::{clock, gather::Gathering, ring_env::Core};

/// Turns that may pass before what is queued is submitted although tasks still run: each turn waits to batch more, but
/// a disk should not idle for long.
const TURNS_UNSUBMITTED: u32 = 4;

/// Runs the core until `done`, then lets the kernel finish what is in flight and drops every task.
pub(super) async fn pump(core: &Rc<Core>, done: &Cell<bool>, spin: Duration, mut gathering: Option<Gathering>) {
    let mut unsubmitted = 0;
    while !done.get() {
        core.ring.reap();
        core.hear_bell();
        let now = clock::now();
        core.turn.set(now);
        core.timers.fire(now);
        if let Some(gathering) = &mut gathering {
            gathering.look(&core.node.loads, now);
        }
        core.tasks.let_background_through();
        if core.tasks.any_runnable() {
            give_way().await;
            unsubmitted += 1;
            if unsubmitted < TURNS_UNSUBMITTED && core.tasks.any_runnable() {
                continue;
            }
        }
        unsubmitted = 0;
        if core.tasks.any_runnable() {
            if core.ring.wants_enter() {
                core.ring.enter();
            }
        } else if !done.get() {
            sleep(core, spin);
        }
    }
    core.ring.drain();
    core.tasks.end_all();
}

/// Blocks until something happens: a completion, a timer's deadline, a ring of the bell.
fn sleep(core: &Core, spin: Duration) {
    if !spin.is_zero() && spin_for(core, spin) {
        return;
    }
    let bell = core.node.bell(core.id);
    let timeout = core.timers.next_deadline().map(|deadline| deadline.since(clock::now()));
    if timeout != Some(Duration::ZERO) && bell.may_sleep() {
        core.ring.sleep(timeout);
    } else if core.ring.wants_enter() {
        core.ring.enter();
    }
    bell.awake();
}

/// Looks for something to do for a while before blocking; `true` if there is.
fn spin_for(core: &Core, spin: Duration) -> bool {
    let until = clock::now().after(spin);
    loop {
        if core.ring.wants_enter() {
            core.ring.enter();
        }
        if core.ring.has_completions() || core.node.bell(core.id).has_rung() {
            return true;
        }
        let now = clock::now();
        if now >= until || core.timers.next_deadline().is_some_and(|deadline| deadline <= now) {
            return false;
        }
        std::hint::spin_loop();
    }
}

/// Lets every task that can run have its turn.
async fn give_way() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
