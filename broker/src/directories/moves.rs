//! Partitions on their way from one data directory to another (KIP-113), on the core that leads them, while clients produce
//! and fetch.
//!
//! 1. Somebody asks ([`ask`]). The directory it goes to says so on disk from then on: a start takes the move up again, from
//!    its beginning ([`resume`]).
//! 2. One after another, the core's moves copy what their logs have in files (`storage/src/shard/copy.rs`), for half of the
//!    time at most and no faster than `replica.alter.log.dirs.io.max.bytes.per.second`.
//! 3. When there is nothing left to copy, the partition is held (`partition/hold.rs`): what comes in waits, reads go on.
//!    The rest is copied and made durable, and the other shard has the log.
//! 4. The metadata says where the partition is. With that image it goes over to the other log, and what waits is appended
//!    there.
//! 5. The log in the directory of before is deleted.
//!
//! So long as the metadata says nothing else the log of before counts, and nothing is acknowledged beside it; from then on
//! the other one does. Which of two a crash left, a start drops (`serve/shards.rs`).

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use corelog_storage::{
    env::{Instant, Lane},
    error::StorageError,
    ids::{LogId, Offset},
    shard::{Copy, CopyError, Rest, Shard, Step},
};

use super::mutant::{self, Mutant};
use crate::{
    config::broker_keys::COPY_RATE,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    limits::{MOVE_AGAIN_AFTER, MOVE_LOOKS_UP},
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        ids::DirectoryId,
    },
    partition::Partition,
    router::{self, metadata::CONTROLLER},
};

/// The moves of one core.
#[derive(Default)]
pub struct Moves {
    all: RefCell<BTreeMap<LogId, Rc<Move>>>,
    /// Those that wait for their turn.
    turns: RefCell<VecDeque<LogId>>,
    running: Cell<bool>,
}

/// A partition on its way.
struct Move {
    to: DirectoryId,
    stage: Cell<Stage>,
    /// What is copied: its bytes, and one past the last record of them.
    copied: Cell<(u64, Option<Offset>)>,
    waiting: RefCell<Vec<Waker>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Waits,
    Copies,
    /// It is decided soon, and cannot be given up.
    GoesOver,
    GivenUp,
    Over,
}

/// How a move ended.
enum End {
    Done,
    /// Nobody wants it any more.
    GivenUp,
    /// The next start takes it up again.
    Stopped,
    /// Now is not the time.
    Later,
    Failed(CopyError),
}

/// A partition's copy in another directory, as DescribeLogDirs tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coming {
    /// Where it is made.
    pub to: DirectoryId,
    /// Its bytes.
    pub bytes: u64,
    /// How many offsets it is behind.
    pub lag: i64,
}

impl Move {
    fn new(to: DirectoryId) -> Rc<Self> {
        let (stage, copied) = (Cell::new(Stage::Waits), Cell::default());
        Rc::new(Self { to, stage, copied, waiting: RefCell::default() })
    }

    async fn over(&self) {
        poll_fn(|context| {
            if self.stage.get() == Stage::Over {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Moves {
    /// The copy of a partition of this core that is being made, if one is.
    pub fn coming<E: NetEnv>(&self, partition: &Partition<E>) -> Option<Coming> {
        let present = self.get(partition.id())?;
        let (bytes, end) = present.copied.get();
        let log = partition.log();
        Some(Coming { to: present.to, bytes, lag: log.end().0 - end.unwrap_or(log.start()).0 })
    }

    /// Whether a partition of this core is to go to another directory.
    pub(crate) fn has(&self, id: LogId) -> bool {
        self.all.borrow().contains_key(&id)
    }

    /// Whether one is at work.
    pub fn running(&self) -> bool {
        self.running.get()
    }

    fn get(&self, id: LogId) -> Option<Rc<Move>> {
        self.all.borrow().get(&id).cloned()
    }

    fn next(&self) -> Option<(LogId, Rc<Move>)> {
        loop {
            let id = self.turns.borrow_mut().pop_front()?;
            if let Some(present) = self.get(id).filter(|present| present.stage.get() == Stage::Waits) {
                return Some((id, present));
            }
        }
    }

    fn ended(&self, id: LogId, present: &Rc<Move>) {
        present.stage.set(Stage::Over);
        let mut all = self.all.borrow_mut();
        if all.get(&id).is_some_and(|last| Rc::ptr_eq(last, present)) {
            all.remove(&id);
        }
        drop(all);
        present.waiting.take().into_iter().for_each(Waker::wake);
    }
}

/// A partition of this core is to be in that directory: it begins to move there, unless it is there already. Whatever move
/// of it there was is given up.
pub(crate) async fn ask<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, to: DirectoryId) -> Result<(), Fault> {
    loop {
        let partition = core.led(id)?;
        if core.transfers.has(id) {
            // It is soon over, and the partition another core's, maybe.
            core.env.sleep(MOVE_LOOKS_UP).await;
            continue;
        }
        match core.moves.get(id) {
            Some(present) if present.to == to => return Ok(()),
            Some(present) => {
                give_up(core, id, &present).await;
                continue;
            }
            None => {}
        }
        if let Some(why) = core.partitions.offline().directory(to) {
            return Err(Fault::Storage(why));
        }
        let there = partition.directory_on(core.node) == Some(to);
        let Some(shard) = core.directories.shard(to).filter(|_| !there) else { return Ok(()) };
        shard.announce_copy(id).await?;
        if !core.moves.has(id) && !core.transfers.has(id) {
            begin(core, id, to);
            return Ok(());
        }
    }
}

async fn give_up<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, present: &Rc<Move>) {
    match present.stage.get() {
        Stage::Waits => {
            core.moves.ended(id, present);
            drop_copy(core, id, present.to).await;
        }
        Stage::Copies => {
            present.stage.set(Stage::GivenUp);
            present.over().await;
        }
        Stage::GoesOver | Stage::GivenUp | Stage::Over => present.over().await,
    }
}

fn begin<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, to: DirectoryId) {
    core.moves.all.borrow_mut().insert(id, Move::new(to));
    core.moves.turns.borrow_mut().push_back(id);
    if !core.moves.running.replace(true) {
        let core = core.clone();
        core.env.clone().spawn(Lane::Background, async move {
            run(&core).await;
            core.moves.running.set(false);
        });
    }
}

/// Takes up the moves that were not at their end when the node ended.
pub(crate) async fn resume<E: NetEnv>(core: &Rc<Core<E>>) {
    for directory in core.directories.iter() {
        let Ok(shard) = &directory.shard else { continue };
        let coming = match shard.copies().await {
            Ok(coming) => coming,
            Err(error) => {
                tracing::warn!(directory = %directory.path.display(), %error, "moves to a data directory that were not at their end are unknown");
                continue;
            }
        };
        for id in coming {
            let image = core.image();
            match image.partition(id) {
                Some(state) if state.directory_on(core.node) != Some(directory.id) => {
                    if core.partitions.get(id).is_some() {
                        tracing::info!(partition = %id, directory = %directory.path.display(), "a move to another data directory begins again");
                        begin(core, id, directory.id);
                    }
                }
                Some(state) if state.core_on(core.node) == Some(core.id) => drop_copy(core, id, directory.id).await,
                None if core.id == CONTROLLER => drop_copy(core, id, directory.id).await,
                Some(_) | None => {}
            }
        }
    }
}

async fn run<E: NetEnv>(core: &Rc<Core<E>>) {
    while !core.connections.stopping() {
        let Some((id, present)) = core.moves.next() else { return };
        let end = carry_out(core, id, &present).await;
        let partition = core.partitions.get(id);
        let topic = partition.as_ref().map(|partition| partition.topic().to_string()).unwrap_or_default();
        let to = core.directories.get(present.to).map(|to| to.path.display().to_string()).unwrap_or_default();
        match end {
            End::Later => {
                present.stage.set(Stage::Copies);
                core.env.sleep(MOVE_AGAIN_AFTER).await;
                if present.stage.get() != Stage::GivenUp {
                    present.stage.set(Stage::Waits);
                    core.moves.turns.borrow_mut().push_back(id);
                    continue;
                }
                drop_copy(core, id, present.to).await;
            }
            End::Done => tracing::info!(partition = %id, topic, to, "a partition has moved to another data directory"),
            End::GivenUp => drop_copy(core, id, present.to).await,
            End::Stopped => {}
            End::Failed(error) => {
                tracing::error!(partition = %id, topic, to, %error, "a partition stays in the data directory that it was to move from, and is served from there: mend what is wrong, and ask for the move again");
                drop_copy(core, id, present.to).await;
            }
        }
        core.moves.ended(id, &present);
    }
}

async fn drop_copy<E: NetEnv>(core: &Core<E>, id: LogId, directory: DirectoryId) {
    let Some(shard) = core.directories.shard(directory).filter(|shard| shard.failure().is_none()) else { return };
    if let Err(error) = shard.drop_copy(id).await {
        tracing::warn!(partition = %id, %error, "what was copied of a partition could not be removed");
    }
}

/// Why a move cannot go on, if it cannot.
fn interrupted<E: NetEnv>(core: &Core<E>, present: &Move, partition: &Partition<E>) -> Option<End> {
    let target = core.directories.shard(present.to).and_then(|target| target.failure());
    if core.connections.stopping() {
        Some(End::Stopped)
    } else if present.stage.get() == Stage::GivenUp || core.image().partition(partition.id()).is_none() {
        Some(End::GivenUp)
    } else if partition.has_resigned() {
        // The directory that it is in has failed.
        Some(End::Stopped)
    } else {
        target.map(|error| End::Failed(CopyError::Target(error)))
    }
}

async fn carry_out<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, present: &Move) -> End {
    let Some(partition) = core.partitions.get(id) else {
        return if core.image().partition(id).is_none() { End::GivenUp } else { End::Stopped };
    };
    let shard = |directory| core.directories.shard(directory).cloned();
    let (Some(from), Some(to)) = (partition.directory_on(core.node).and_then(shard), shard(present.to)) else {
        return End::GivenUp;
    };
    present.stage.set(Stage::Copies);
    let copy = match to.begin_copy(id).await {
        Ok(copy) => copy,
        // The files of an earlier one are being removed.
        Err(StorageError::Exists(_)) => return End::Later,
        Err(error) => return End::Failed(CopyError::Target(error)),
    };
    let way = Way { core, id, present, partition, from, to };
    let outcome = match way.copy_all(copy).await {
        Ok(copy) => way.go_over(copy).await,
        Err(end) => end,
    };
    present.copied.take();
    outcome
}

/// One move at work.
struct Way<'a, E: NetEnv> {
    core: &'a Rc<Core<E>>,
    id: LogId,
    present: &'a Move,
    partition: Rc<Partition<E>>,
    from: Rc<Shard<E>>,
    to: Rc<Shard<E>>,
}

impl<E: NetEnv> Way<'_, E> {
    /// Copies until there is next to nothing left.
    async fn copy_all(&self, mut copy: Copy<E>) -> Result<Copy<E>, End> {
        let mut written_out = false;
        loop {
            if let Some(end) = interrupted(self.core, self.present, &self.partition) {
                return Err(end);
            }
            let begun = self.core.env.now();
            match copy.step(&self.partition.log()).await {
                Ok(Step::Copied(bytes)) => {
                    self.present.copied.set((copy.bytes(), copy.end()));
                    self.pause(bytes, begun).await;
                }
                Ok(Step::Level) if written_out => return Ok(copy),
                Ok(Step::Level) => {
                    self.from
                        .write_out(self.id, Rest::Written)
                        .await
                        .map_err(|error| self.failed(CopyError::Source(error)))?;
                    written_out = true;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Leaves the disks to others for as long as it took them, or longer.
    async fn pause(&self, bytes: usize, begun: Instant) {
        let now = self.core.env.now();
        let took = now.since(begun);
        let rate = self.core.settings().effective_unknown(COPY_RATE).value.and_then(|rate| rate.parse().ok());
        let rate = (rate.unwrap_or(u64::MAX) / u64::from(self.core.cores())).max(1);
        let due = Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / rate);
        let until = now.after(took.max(due.saturating_sub(took)));
        while self.core.env.now() < until && interrupted(self.core, self.present, &self.partition).is_none() {
            let next = until.min(self.core.env.now().after(MOVE_LOOKS_UP));
            self.core.env.sleep_until(next).await;
        }
    }

    /// What an error comes to: it may be that nothing is to be moved any more.
    fn failed(&self, error: CopyError) -> End {
        match (interrupted(self.core, self.present, &self.partition), error) {
            (Some(end), _) => end,
            // It gets space by the others that move away.
            (None, CopyError::Source(StorageError::DiskFull)) => End::Later,
            (None, error) => End::Failed(error),
        }
    }

    async fn go_over(&self, copy: Copy<E>) -> End {
        self.present.stage.set(Stage::GoesOver);
        self.partition.hold();
        let end = self.hand_over(copy).await;
        self.partition.let_go_on(&self.core.env);
        if matches!(end, End::Done) {
            delete(&self.from, self.id).await;
            if self.core.image().partition(self.id).is_none() {
                // Its topic was deleted before it was led from there.
                delete(&self.to, self.id).await;
            }
        }
        end
    }

    async fn hand_over(&self, mut copy: Copy<E>) -> End {
        let (core, id) = (self.core, self.id);
        let Some((from, to)) = self.partition.directory_on(core.node).map(|from| (from, self.present.to)) else {
            return End::GivenUp;
        };
        let manifest = match self.from.hold(id, Rest::Written).await {
            Ok(manifest) => manifest,
            Err(error) => return self.failed(CopyError::Source(error)),
        };
        let copied = async {
            copy.finish(&self.partition.log(), &manifest).await?;
            self.to.adopt_copy(copy, manifest).await.map_err(CopyError::Target)
        };
        if let Err(error) = copied.await {
            self.undo().await;
            return self.failed(error);
        }
        if mutant::active(Mutant::DeleteBeforeDecided) {
            delete(&self.from, id).await;
        }
        match router::metadata::call(core, MetadataCall::MoveReplica { node: core.node, log: id, from, to }).await {
            Ok(MetadataAnswer::ReplicaMoved(true)) => End::Done,
            Ok(MetadataAnswer::ReplicaMoved(false)) => {
                self.undo().await;
                End::GivenUp
            }
            // The next start knows.
            undecided => {
                tracing::error!(partition = %id, ?undecided, "it is unknown in which data directory a partition is: it is not served until the broker is started again");
                core.partitions.let_go_of(&self.partition);
                End::Stopped
            }
        }
    }

    /// The log of before goes on.
    async fn undo(&self) {
        if self.to.log(self.id).is_some() {
            delete(&self.to, self.id).await;
        }
        // Unless it was deleted.
        let _ = self.from.take_back(self.id);
    }
}

async fn delete<E: NetEnv>(shard: &Shard<E>, id: LogId) {
    match shard.delete_log(id).await {
        Ok(()) | Err(StorageError::Unknown(_)) => {}
        Err(error) => {
            tracing::warn!(partition = %id, %error, "a partition's log could not be deleted where it does not belong; the next start does");
        }
    }
}
