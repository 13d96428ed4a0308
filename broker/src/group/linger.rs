//! The committed offsets of one core that wait to be written together, whichever of its coordinators they are of.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use corelog_storage::env::{Env, Lane};

use super::linger_machine::{Arrival, LingerMachine};

/// Who has something to write.
pub(super) trait Writer {
    /// Writes all of it now.
    fn write_down(self: Rc<Self>);
}

/// See the module's documentation.
pub(super) struct Linger {
    machine: RefCell<LingerMachine>,
    waiting: RefCell<Vec<Rc<dyn Writer>>>,
    /// Rounds that have ended, and who waits for the present one's last moment.
    rounds: Cell<u64>,
    alarm: Cell<Option<Waker>>,
}

impl Linger {
    /// Offsets wait for at most `longest`.
    pub(super) fn new(longest: Duration) -> Rc<Self> {
        Rc::new(Self {
            machine: RefCell::new(LingerMachine::new(longest)),
            waiting: RefCell::default(),
            rounds: Cell::new(0),
            alarm: Cell::new(None),
        })
    }

    /// Whether `writer`, to whom offsets came, waits to be told; otherwise they are for it to write at once.
    pub(super) fn holds<E: Env>(self: &Rc<Self>, env: &E, writer: Rc<dyn Writer>) -> bool {
        let arrival = self.machine.borrow_mut().arrived(env.now());
        match arrival {
            Arrival::Passes => return false,
            Arrival::Ends => {
                self.end();
                return false;
            }
            Arrival::Begins(until) => {
                let last = self.clone().last_moment(self.rounds.get(), env.sleep_until(until));
                env.spawn(Lane::Latency, last);
            }
            Arrival::Joins => {}
        }
        self.waiting.borrow_mut().push(writer);
        true
    }

    /// Ends the round when its time is over, unless it ended before.
    async fn last_moment(self: Rc<Self>, round: u64, time: impl Future<Output = ()>) {
        let mut time = pin!(time);
        let goes_on = || self.rounds.get() == round;
        poll_fn(|context| {
            if !goes_on() || time.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            self.alarm.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
        if goes_on() {
            self.end();
        }
    }

    fn end(&self) {
        self.machine.borrow_mut().ended();
        self.rounds.set(self.rounds.get() + 1);
        // The timer must not wake the core for nothing.
        if let Some(alarm) = self.alarm.take() {
            alarm.wake();
        }
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Writer::write_down);
    }
}
