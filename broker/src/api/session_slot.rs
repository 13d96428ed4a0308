//! Where a connection keeps its fetch session.
//!
//! A connection has at most one; it lives, moves between cores and ends with its connection. (Kafka's outlive it: a
//! consumer that connects anew names the old one, is told that it is unknown, and begins again.) Its memory, that of its
//! watches on other cores included, counts as the connection's. Where there is no room for one, a request is answered in
//! full, with session id 0.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use corelog_wire::fetch::FetchView;

use crate::{
    api::fetch_session::{FINAL_EPOCH, FetchSession, INITIAL_EPOCH, News},
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    metadata::image::ImageVersion,
    net::budget::{Budget, Reservation},
    partition::{
        mutant::{self, Mutant},
        read::Fetched,
    },
    router::fetch::{Place, Shares},
};

/// A core's fetch sessions: how many there are.
#[derive(Clone, Debug, Default)]
pub struct Open(Rc<Cell<usize>>);

impl Open {
    /// Their number.
    pub fn count(&self) -> usize {
        self.0.get()
    }

    fn one_more(&self) -> Counted {
        self.0.set(self.0.get() + 1);
        Counted(self.clone())
    }
}

#[derive(Debug)]
struct Counted(Open);

impl Drop for Counted {
    fn drop(&mut self) {
        let open = &self.0.0;
        open.set(open.get() - 1);
    }
}

/// A session on its core, with what it takes up there.
pub struct Held<E: NetEnv> {
    /// Its state.
    pub session: FetchSession,
    /// Those who watch for it.
    pub shares: Shares<E>,
    /// By which its partitions were found.
    pub image: Option<ImageVersion>,
    memory: Reservation,
    _counted: Counted,
}

impl<E: NetEnv> Held<E> {
    fn new(core: &Rc<Core<E>>, session: FetchSession, memory: Reservation) -> Self {
        let shares = Shares::new(core, true);
        Self { session, shares, image: None, memory, _counted: core.fetch_sessions.one_more() }
    }

    /// Takes the memory that the session has come to need; false if there is too little.
    fn grow(&mut self, budget: &Rc<Budget>) -> bool {
        let more = self.session.bytes().saturating_sub(self.memory.bytes());
        if more > 0 && budget.take_spare(more).is_none() {
            return false;
        }
        self.memory.resize(self.session.bytes());
        true
    }
}

/// A connection's session, if it has one. It is out while a request is answered.
pub struct SessionSlot<E: NetEnv>(RefCell<Option<Held<E>>>);

impl<E: NetEnv> SessionSlot<E> {
    /// The slot of a connection that came from another core with `session`.
    pub fn arrived(core: &Rc<Core<E>>, session: Option<FetchSession>) -> Self {
        let hold = |mut session: FetchSession| {
            if !mutant::active(Mutant::WatchesStayBehind) {
                session.change_all();
            }
            let memory = core.budget.take(session.bytes());
            Held::new(core, session, memory)
        };
        Self(RefCell::new(session.map(hold)))
    }

    /// Takes the session away, to another core; those who watch for it here are gone.
    pub fn depart(&self) -> Option<FetchSession> {
        self.0.take().map(|held| held.session)
    }

    /// The session that `request` opens or belongs to, if any, with what it changes; until it is put back, the connection
    /// has none.
    pub(super) fn enter(&self, core: &Rc<Core<E>>, request: &FetchView) -> Result<Option<Held<E>>, Fault> {
        if matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            let wanted = request.session_epoch == INITIAL_EPOCH;
            let mut slot = self.0.borrow_mut();
            slot.take_if(|held| wanted || held.session.id() == request.session_id);
            return Ok(if wanted { open(core, request) } else { None });
        }
        let mut slot = self.0.borrow_mut();
        let held = slot.as_mut().filter(|held| held.session.id() == request.session_id);
        let held = held.ok_or(Fault::FetchSessionUnknown)?;
        held.session.go_on(request)?;
        let mut held = slot.take().expect("just found");
        if !held.grow(&core.budget) {
            return Err(Fault::FetchSessionUnknown);
        }
        Ok((!held.session.is_empty()).then_some(held))
    }

    /// The request is answered, with `news`.
    pub(super) fn put_back(&self, mut held: Held<E>, news: &[News]) {
        held.session.told(news);
        *self.0.borrow_mut() = Some(held);
    }

    /// The request is answered without what was fetched. The session's id: one that nothing was told of yet is not begun.
    pub(super) fn put_back_untold(&self, mut held: Held<E>, fetched: &[(Place, Fetched)]) -> i32 {
        if held.session.is_fresh() {
            return 0;
        }
        held.session.untold(fetched);
        let id = held.session.id();
        *self.0.borrow_mut() = Some(held);
        id
    }
}

fn open<E: NetEnv>(core: &Rc<Core<E>>, request: &FetchView) -> Option<Held<E>> {
    if core.fetch_sessions.count() >= core.config.net.fetch_sessions {
        return None;
    }
    let id = (core.env.random() as i32 & i32::MAX).max(1);
    let session = FetchSession::open(id, request);
    let memory = core.budget.take_spare(session.bytes())?;
    Some(Held::new(core, session, memory))
}
