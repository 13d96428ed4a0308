//! One value handed from one task of a core to another: an answer to whoever waits for it.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use corelog_storage::env::{Env, Lane};

/// The giving end. Dropped without a value, the other end gets `None`.
pub(crate) struct Slot<T> {
    shared: Rc<RefCell<Shared<T>>>,
}

/// The waiting end.
pub(crate) struct Filled<T> {
    shared: Rc<RefCell<Shared<T>>>,
}

struct Shared<T> {
    value: Option<T>,
    open: bool,
    waiter: Option<Waker>,
}

/// Both ends of a slot.
pub(crate) fn pair<T>() -> (Slot<T>, Filled<T>) {
    let shared = Rc::new(RefCell::new(Shared { value: None, open: true, waiter: None }));
    (Slot { shared: Rc::clone(&shared) }, Filled { shared })
}

/// Runs all of these at the same time; what they give, in their order.
pub(crate) async fn together<E: Env, T: 'static>(
    env: &E,
    tasks: impl IntoIterator<Item = impl Future<Output = T> + 'static>,
) -> Vec<T> {
    let begin = |task| {
        let (slot, filled) = pair();
        env.spawn(Lane::Latency, async move { slot.fill(task.await) });
        filled
    };
    let begun: Vec<Filled<T>> = tasks.into_iter().map(begin).collect();
    let mut given = Vec::with_capacity(begun.len());
    for filled in begun {
        given.push(filled.await.expect("a task fills its slot"));
    }
    given
}

impl<T> Slot<T> {
    /// Gives the value.
    pub(crate) fn fill(self, value: T) {
        self.shared.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let waiter = {
            let mut shared = self.shared.borrow_mut();
            shared.open = false;
            shared.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl<T> Future for Filled<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut shared = self.shared.borrow_mut();
        if let Some(value) = shared.value.take() {
            return Poll::Ready(Some(value));
        }
        if !shared.open {
            return Poll::Ready(None);
        }
        if !shared.waiter.as_ref().is_some_and(|waiter| waiter.will_wake(context.waker())) {
            shared.waiter = Some(context.waker().clone());
        }
        Poll::Pending
    }
}
