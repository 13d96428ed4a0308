//! Runs one [`Coordinator`]: reads its partition, appends what it writes, tells it what is committed, wakes it when its
//! timers are due, and answers whoever asked. Lives on the core that leads the partition.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    future::Future,
    rc::{Rc, Weak},
    time::Duration,
};

use bytes::Bytes;
use corelog_storage::{
    env::{Env, Instant, Lane},
    ids::{Offset, TopicId},
};

use super::{
    call::{Answer, Call, Listed},
    config::Config,
    coordinator_machine::{Coordinator, Effects, Loader, Write},
    error::GroupError,
    linger::{Linger, Writer},
    names::TopicName,
    record_codec::{self, LoadError},
    state::{Ticket, WriteId},
    turn::Now,
};
use crate::slot::{self, Slot};

/// Bytes of the partition that are read at once when it is loaded.
const LOAD_CHUNK: usize = 1 << 20;
/// How long a coordinator whose partition could not be read waits before it tries again.
const RELOAD_DELAY: Duration = Duration::from_secs(1);

/// The partition of `__consumer_offsets` that a coordinator keeps its records in.
pub trait CoordinatorLog: 'static {
    /// What is wrong with it.
    type Error: fmt::Display;

    /// The first offset there is.
    fn start(&self) -> Offset;
    /// One past the last committed record.
    fn high_watermark(&self) -> Offset;
    /// Appends a batch in the order of the calls; the offset one past it.
    fn append(&self, batch: Bytes) -> Result<Offset, Self::Error>;
    /// While nothing can be appended, though soon it can: what resolves then.
    fn held(&self) -> Option<impl Future<Output = ()> + 'static>;
    /// The time that retention goes by, in ms since 1970.
    fn retention_clock_ms(&self) -> i64;
    /// Resolves once everything before `end` is committed, or never will be.
    fn committed(&self, end: Offset) -> impl Future<Output = Result<(), Self::Error>> + 'static;
    /// Whole batches from the one that holds `from`, all committed, about `max_bytes` of them but at least one; and
    /// where the next ones begin.
    fn read(&self, from: Offset, max_bytes: usize) -> impl Future<Output = Result<(Bytes, Offset), Self::Error>>;
}

/// One coordinator on its core.
pub struct Driver<E: Env, L: CoordinatorLog> {
    env: E,
    log: L,
    config: Rc<Config>,
    linger: Rc<Linger>,
    topics: Box<TopicIds>,
    state: RefCell<State>,
}

/// Tells the id that a topic has now, by its name.
pub type TopicIds = dyn Fn(&str) -> Option<TopicId>;

struct State {
    phase: Phase,
    next_ticket: u64,
    waiting: BTreeMap<Ticket, Slot<Answer>>,
    /// Writes that are not yet appended.
    unwritten: VecDeque<Write>,
    /// They wait for the log.
    held_up: bool,
    /// Writes that are appended and not known to be committed, with the offset one past each.
    uncommitted: VecDeque<(WriteId, Offset)>,
    watching_commits: bool,
    /// When sleepers wake to let time pass; the first is soon enough for every timer.
    alarms: BTreeSet<Instant>,
}

enum Phase {
    Loading,
    Active(Box<Coordinator>),
    Resigned,
}

impl<E: Env, L: CoordinatorLog> Driver<E, L> {
    /// Begins to load the coordinator of `log`. `topics` tells the id that a topic has now: offsets of topics that were
    /// deleted while nobody coordinated are forgotten.
    fn start(env: E, log: L, config: Rc<Config>, linger: Rc<Linger>, topics: Box<TopicIds>) -> Rc<Self> {
        let driver = Rc::new(Self {
            env: env.clone(),
            log,
            config,
            linger,
            topics,
            state: RefCell::new(State {
                phase: Phase::Loading,
                next_ticket: 0,
                waiting: BTreeMap::new(),
                unwritten: VecDeque::new(),
                held_up: false,
                uncommitted: VecDeque::new(),
                watching_commits: false,
                alarms: BTreeSet::new(),
            }),
        });
        let loading = Rc::clone(&driver);
        env.spawn(Lane::Latency, async move { loading.load().await });
        driver
    }

    /// Asks the coordinator; resolves with its answer.
    pub fn call(self: &Rc<Self>, call: Call) -> impl Future<Output = Answer> + 'static + use<E, L> {
        let (slot, answer) = slot::pair();
        if let Some(refusal) = self.refusal(&call) {
            slot.fill(refusal);
        } else {
            let ticket = {
                let mut state = self.state.borrow_mut();
                state.next_ticket += 1;
                let ticket = Ticket(state.next_ticket);
                state.waiting.insert(ticket, slot);
                ticket
            };
            self.input(|coordinator, now| coordinator.handle(ticket, call, now));
        }
        async move { answer.await.unwrap_or(Answer::Refused(GroupError::NotCoordinator)) }
    }

    /// Every group, as ListGroups shows it.
    pub fn list(&self) -> Result<Vec<Listed>, GroupError> {
        match &self.state.borrow().phase {
            Phase::Loading => Err(GroupError::CoordinatorLoadInProgress),
            Phase::Active(coordinator) => Ok(coordinator.list()),
            Phase::Resigned => Ok(Vec::new()),
        }
    }

    /// Whether it still reads its groups.
    pub fn is_loading(&self) -> bool {
        matches!(self.state.borrow().phase, Phase::Loading)
    }

    /// Topics were deleted: their offsets go.
    pub fn topics_deleted(self: &Rc<Self>, deleted: &BTreeMap<TopicName, TopicId>) {
        self.input(|coordinator, now| coordinator.topics_deleted(deleted, now));
    }

    /// Leadership is lost: whoever waits is told, what was pending is dropped.
    pub fn resign(&self) {
        let (phase, waiting) = {
            let mut state = self.state.borrow_mut();
            state.unwritten.clear();
            state.uncommitted.clear();
            (std::mem::replace(&mut state.phase, Phase::Resigned), std::mem::take(&mut state.waiting))
        };
        drop(phase);
        for slot in waiting.into_values() {
            slot.fill(Answer::Refused(GroupError::NotCoordinator));
        }
    }

    /// Whether calls are served.
    pub fn is_active(&self) -> bool {
        matches!(self.state.borrow().phase, Phase::Active(_))
    }

    fn refusal(&self, call: &Call) -> Option<Answer> {
        match (&self.state.borrow().phase, call) {
            (Phase::Active(_), _) => None,
            // As Kafka: a member need not know that its coordinator moved.
            (Phase::Loading, Call::Heartbeat(_)) => Some(Answer::Heartbeat(Ok(()))),
            (Phase::Loading, _) => Some(Answer::Refused(GroupError::CoordinatorLoadInProgress)),
            (Phase::Resigned, _) => Some(Answer::Refused(GroupError::NotCoordinator)),
        }
    }

    async fn load(self: Rc<Self>) {
        let loader = loop {
            match self.read_all().await {
                Ok(Some(loader)) => break loader,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "a coordinator could not read its partition");
                    self.env.sleep(RELOAD_DELAY).await;
                }
            }
        };
        let (coordinator, effects) = loader.finish(Rc::clone(&self.config), self.now());
        let gone: BTreeMap<TopicName, TopicId> = coordinator
            .topics_with_offsets()
            .into_iter()
            .filter(|(name, id)| (self.topics)(name.as_str()).is_none_or(|now| *id != TopicId::default() && now != *id))
            .collect();
        if !self.activate(coordinator) {
            return;
        }
        self.perform(effects);
        if !gone.is_empty() {
            self.topics_deleted(&gone);
        }
    }

    fn activate(&self, coordinator: Coordinator) -> bool {
        let mut state = self.state.borrow_mut();
        let loading = matches!(state.phase, Phase::Loading);
        if loading {
            state.phase = Phase::Active(Box::new(coordinator));
        }
        loading
    }

    /// Replays what is committed. `None` if leadership was lost meanwhile.
    async fn read_all(&self) -> Result<Option<Loader>, LoadFailure<L::Error>> {
        let mut loader = Loader::default();
        let mut from = self.log.start();
        let mut passed_over = 0;
        while from < self.log.high_watermark() {
            if matches!(self.state.borrow().phase, Phase::Resigned) {
                return Ok(None);
            }
            let (batches, next) = self.log.read(from, LOAD_CHUNK).await.map_err(LoadFailure::Log)?;
            let replayed = record_codec::decode_batches(batches, |record| loader.replay(&record));
            passed_over += replayed.map_err(LoadFailure::Records)?;
            assert!(next > from, "a read of a coordinator's partition gets on");
            from = next;
            self.env.sleep(Duration::ZERO).await; // others have work on this core too
        }
        if passed_over > 0 {
            tracing::warn!(records = passed_over, "records of other protocols were passed over");
        }
        Ok(Some(loader))
    }

    fn now(&self) -> Now {
        Now { monotonic: self.env.now(), wall_ms: self.log.retention_clock_ms() }
    }

    /// Gives the coordinator an input and does what it asks.
    fn input(self: &Rc<Self>, input: impl FnOnce(&mut Coordinator, Now) -> Effects) {
        let now = self.now();
        let effects = match &mut self.state.borrow_mut().phase {
            Phase::Active(coordinator) => input(coordinator, now),
            Phase::Loading | Phase::Resigned => return,
        };
        self.perform(effects);
    }

    fn perform(self: &Rc<Self>, effects: Effects) {
        for write in effects.writes {
            let waits = write.is_of_offsets() && self.linger.holds(&self.env, self.clone());
            self.state.borrow_mut().unwritten.push_back(write);
            if !waits && !self.append_all() {
                return;
            }
        }
        for (ticket, answer) in effects.answers {
            let slot = self.state.borrow_mut().waiting.remove(&ticket);
            if let Some(slot) = slot {
                slot.fill(answer);
            }
        }
        self.watch_commits();
        self.set_alarm();
    }

    /// Appends what is not yet appended, in order; soon, if the log is held. False if that failed, and the coordinator
    /// begins again.
    fn append_all(self: &Rc<Self>) -> bool {
        while !self.state.borrow().unwritten.is_empty() {
            if let Some(held) = self.log.held() {
                self.go_on_after(held);
                return true;
            }
            let Some(write) = self.state.borrow_mut().unwritten.pop_front() else { break };
            if let Err(error) = self.append(&write) {
                tracing::error!(%error, "a coordinator could not write to its partition");
                self.start_over();
                return false;
            }
        }
        true
    }

    /// Appends the rest when `held` resolves; once, however many wait for it.
    fn go_on_after(self: &Rc<Self>, held: impl Future<Output = ()> + 'static) {
        if !std::mem::replace(&mut self.state.borrow_mut().held_up, true) {
            let driver = Rc::clone(self);
            self.env.spawn(Lane::Latency, async move {
                held.await;
                driver.state.borrow_mut().held_up = false;
                driver.write_down();
            });
        }
    }

    fn append(&self, write: &Write) -> Result<(), String> {
        let batch = record_codec::encode_batch(&write.records, self.env.wall_clock_ms());
        let batch = batch.map_err(|error| error.to_string())?;
        let end = self.log.append(batch).map_err(|error| error.to_string())?;
        self.state.borrow_mut().uncommitted.push_back((write.id, end));
        Ok(())
    }

    /// What the coordinator believes to be written is not: it begins again from what is committed, once that of its
    /// writes which the log did take is decided.
    fn start_over(self: &Rc<Self>) {
        let end = self.state.borrow().uncommitted.back().map(|(_, end)| *end);
        self.resign();
        self.state.borrow_mut().phase = Phase::Loading;
        let driver = Rc::clone(self);
        self.env.spawn(Lane::Latency, async move {
            if let Some(end) = end
                && let Err(error) = driver.log.committed(end).await
            {
                tracing::error!(%error, "a coordinator's records cannot be committed");
                return driver.resign();
            }
            driver.env.sleep(RELOAD_DELAY).await;
            driver.load().await;
        });
    }

    fn watch_commits(self: &Rc<Self>) {
        {
            let mut state = self.state.borrow_mut();
            if state.watching_commits || state.uncommitted.is_empty() {
                return;
            }
            state.watching_commits = true;
        }
        let driver = Rc::clone(self);
        self.env.spawn(Lane::Latency, async move { driver.follow_commits().await });
    }

    /// Waits for the oldest write to be committed until there is none left.
    async fn follow_commits(self: Rc<Self>) {
        loop {
            let next = self.state.borrow().uncommitted.front().copied();
            let Some((_, end)) = next else { break };
            let outcome = self.log.committed(end).await;
            if let Err(error) = outcome {
                let still_ours = self.state.borrow().uncommitted.front().copied() == next;
                if still_ours {
                    tracing::error!(%error, "a coordinator's records cannot be committed");
                    self.resign();
                }
                break;
            }
            if let Some(to) = self.take_committed(end.max(self.log.high_watermark())) {
                self.input(|coordinator, now| coordinator.committed(to, now));
            }
        }
        self.state.borrow_mut().watching_commits = false;
        // A write may have come between the last look and this.
        self.watch_commits();
    }

    fn take_committed(&self, end: Offset) -> Option<WriteId> {
        let mut state = self.state.borrow_mut();
        let mut last = None;
        while let Some((id, _)) = state.uncommitted.front().filter(|(_, write_end)| *write_end <= end).copied() {
            state.uncommitted.pop_front();
            last = Some(id);
        }
        last
    }

    /// Sees to it that somebody wakes when the next timer is due.
    fn set_alarm(self: &Rc<Self>) {
        let deadline = {
            let mut state = self.state.borrow_mut();
            let Phase::Active(coordinator) = &state.phase else { return };
            let Some(deadline) = coordinator.next_deadline() else { return };
            if state.alarms.first().is_some_and(|first| *first <= deadline) {
                return;
            }
            state.alarms.insert(deadline);
            deadline
        };
        let driver: Weak<Self> = Rc::downgrade(self);
        let env = self.env.clone();
        self.env.spawn(Lane::Latency, async move {
            env.sleep_until(deadline).await;
            if let Some(driver) = driver.upgrade() {
                driver.state.borrow_mut().alarms.remove(&deadline);
                driver.input(|coordinator, now| coordinator.tick(now));
            }
        });
    }
}

impl<E: Env, L: CoordinatorLog> Writer for Driver<E, L> {
    fn write_down(self: Rc<Self>) {
        if self.append_all() {
            self.watch_commits();
        }
    }
}

enum LoadFailure<E> {
    Log(E),
    Records(LoadError),
}

impl<E: fmt::Display> fmt::Display for LoadFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(f),
            Self::Records(LoadError::Batch(error)) => error.fmt(f),
            Self::Records(LoadError::Record(error)) => error.fmt(f),
        }
    }
}

/// The coordinators of the partitions that one core leads, by partition.
pub struct Coordinators<E: Env, L: CoordinatorLog> {
    env: E,
    config: Rc<Config>,
    linger: Rc<Linger>,
    drivers: RefCell<BTreeMap<i32, Rc<Driver<E, L>>>>,
}

impl<E: Env, L: CoordinatorLog> Coordinators<E, L> {
    /// None yet.
    pub fn new(env: E, config: Config) -> Self {
        let linger = Linger::new(config.linger);
        Self { env, config: Rc::new(config), linger, drivers: RefCell::default() }
    }

    /// This core leads partition `index` now: its coordinator loads.
    pub fn elected(&self, index: i32, log: L, topics: Box<TopicIds>) {
        let (config, linger) = (Rc::clone(&self.config), Rc::clone(&self.linger));
        let driver = Driver::start(self.env.clone(), log, config, linger, topics);
        let before = self.drivers.borrow_mut().insert(index, driver);
        if let Some(before) = before {
            before.resign();
        }
    }

    /// This core leads partition `index` no longer.
    pub fn resigned(&self, index: i32) {
        let driver = self.drivers.borrow_mut().remove(&index);
        if let Some(driver) = driver {
            driver.resign();
        }
    }

    /// Topics were deleted.
    pub fn topics_deleted(&self, deleted: &BTreeMap<TopicName, TopicId>) {
        let drivers: Vec<_> = self.drivers.borrow().values().cloned().collect();
        for driver in drivers {
            driver.topics_deleted(deleted);
        }
    }

    /// Asks the coordinator of partition `index`.
    pub fn call(&self, index: i32, call: Call) -> impl Future<Output = Answer> + 'static + use<E, L> {
        let driver = self.drivers.borrow().get(&index).cloned();
        let answer = driver.map(|driver| driver.call(call));
        async move {
            match answer {
                Some(answer) => answer.await,
                None => Answer::Refused(GroupError::NotCoordinator),
            }
        }
    }

    /// Coordinators that still read their groups.
    pub fn loading(&self) -> usize {
        self.drivers.borrow().values().filter(|driver| driver.is_loading()).count()
    }

    /// All groups coordinated here.
    pub fn list(&self) -> Result<Vec<Listed>, GroupError> {
        let mut listed = Vec::new();
        for driver in self.drivers.borrow().values() {
            listed.extend(driver.list()?);
        }
        Ok(listed)
    }
}
