//! From checkpoint and journal back to where a shard was.
//!
//! The checkpoint gives each log as its segments have it, the journal what they lack. A bypassed batch, of which the
//! journal has the header alone, is read from its segment: if it is not there whole, it was never acknowledged, and its
//! log ends before it. A log of which something durable cannot be read is taken out of service, and it alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    rc::Rc,
};

use bytes::Bytes;

use super::{
    Context, Generation, RecoveryReport, Shard, ShardId, ShardOptions, aside,
    files::FileKind,
    manifest::{Adoptions, Contents},
    record::{Entry, Place, decode, kind},
    shards_dir,
};
use crate::{
    batch::{Header, checksum_holds},
    buffer::AlignedBuf,
    checkpoint,
    env::{BLOCK, Env, File},
    error::StorageError,
    ids::{LogId, Offset},
    journal::{Journal, JournalOptions, JournalPosition, Record, RecoveryVerdict, Sequence},
    limits::CHECKPOINT_RESERVE,
    log::{
        Extent, Log, Source,
        segment::{log_dir, logs_dir, segment_name},
        state::{Life, LogImage, LogNumber, State},
    },
    mutant::{Mutant, active},
};

/// Opens a shard; see [`Shard::open`].
pub(super) async fn open<E: Env>(
    env: E,
    data_dir: &Path,
    id: ShardId,
    options: ShardOptions,
) -> Result<(Rc<Shard<E>>, RecoveryReport), StorageError> {
    let dir = shards_dir(data_dir).join(id.0.to_string());
    make_dirs(&env, data_dir, &dir).await?;
    let journal_options = options.journal;
    let context = Rc::new(Context::new(env.clone(), data_dir.to_path_buf(), options));
    let shard = Shard::new(context.clone(), dir.clone());
    let mut recovery = Recovery {
        shard: shard.clone(),
        captured: BTreeMap::new(),
        broken: BTreeMap::new(),
        lost: BTreeMap::new(),
        breaks: BTreeMap::new(),
        gaps: BTreeSet::new(),
        aside: BTreeMap::new(),
        adopting: Adoptions::default(),
        report: RecoveryReport::default(),
    };
    let head = checkpoint::read(&env, &dir, |image| recovery.restore(image)).await?;
    let start = head.as_ref().map_or(JournalPosition::START, |head| head.journal);
    if let Some(head) = head {
        shard.next_number.set(shard.next_number.get().max(head.next_number));
        // One that came back while the checkpoint was written is among its logs.
        let gone = head.deleted.into_iter().filter(|id| !shard.has(*id));
        shard.deleting.borrow_mut().extend(gone);
    }
    checkpoint::reserve(&env, &dir, CHECKPOINT_RESERVE).await;
    recovery.replay_set_aside().await;
    let mut replay = Journal::recover(env, &dir, journal_options, start).await?;
    while let Some(record) = replay.next().await? {
        recovery.apply(record).await?;
    }
    recovery.put_offline(journal_options, start).await?;
    let (journal, verdict) = replay.finish().await?;
    context.start(journal);
    recovery.report.torn_tail = verdict == RecoveryVerdict::TornTail;
    let report = recovery.finish().await?;
    shard.start_upkeep();
    Ok((shard, report))
}

async fn make_dirs<E: Env>(env: &E, data_dir: &Path, dir: &Path) -> Result<(), StorageError> {
    let (shards, logs) = (shards_dir(data_dir), logs_dir(data_dir));
    for path in [dir, &logs] {
        env.create_dir(path).await.map_err(|error| StorageError::io("create", path, &error))?;
    }
    for path in [&shards, data_dir] {
        env.sync_dir(path).await.map_err(|error| StorageError::io("sync", path, &error))?;
    }
    Ok(())
}

struct Recovery<E: Env> {
    shard: Rc<Shard<E>>,
    /// Each log's end as the checkpoint knew it.
    captured: BTreeMap<LogNumber, Offset>,
    /// Logs whose end was found where a bypassed batch is not whole.
    broken: BTreeMap<LogNumber, Offset>,
    /// Logs of which something durable cannot be read, with what said so: the record of their end must be still to come.
    lost: BTreeMap<LogNumber, StorageError>,
    /// Where that batch ends: its segment, and the position there.
    breaks: BTreeMap<LogNumber, (Offset, u32)>,
    /// Those among the broken where journal records are missing, unless the record of a cut explains it.
    gaps: BTreeSet<LogNumber>,
    /// Logs that were offline, as they were before the records that are set aside.
    aside: BTreeMap<LogNumber, LogImage>,
    /// Manifests of which not all parts were seen.
    adopting: Adoptions,
    report: RecoveryReport,
}

impl<E: Env> Recovery<E> {
    fn restore(&mut self, image: LogImage) {
        self.captured.insert(image.number, image.end);
        let (id, number) = (image.id, image.number);
        if image.set_aside {
            self.aside.insert(number, image.clone());
        }
        self.shard.insert(id, number, State::restore(image));
    }

    /// Replays what is set aside of logs that were offline: they are served again if it can be read by now.
    async fn replay_set_aside(&mut self) {
        let logs: Vec<(LogNumber, LogId)> = self.aside.iter().map(|(number, image)| (*number, image.id)).collect();
        for (number, id) in logs {
            if let Err(error) = self.replay_records_of(id).await {
                self.lost.entry(number).or_insert(error);
            }
        }
    }

    async fn replay_records_of(&mut self, id: LogId) -> Result<(), StorageError> {
        let context = self.shard.context.clone();
        let mut records = aside::Reader::open(&context.env, &context.data_dir, id).await?;
        while let Some(record) = records.next().await? {
            self.apply(record).await?;
        }
        Ok(())
    }

    /// Takes the lost logs out of service. What the journal has of those that were served until now is set aside first.
    async fn put_offline(&mut self, options: JournalOptions, start: JournalPosition) -> Result<(), StorageError> {
        let lost = std::mem::take(&mut self.lost);
        if lost.is_empty() {
            return Ok(());
        }
        let (shard, context) = (self.shard.clone(), self.shard.context.clone());
        let logs: Vec<Rc<Log<E>>> = lost.keys().filter_map(|number| self.log(*number)).collect();
        let fresh = logs.iter().filter(|log| !self.aside.contains_key(&log.number()));
        let fresh = fresh.map(|log| (log.number(), log.id())).collect();
        let dirs = (context.data_dir.as_path(), shard.dir.as_path());
        let mut images = aside::set_aside(&context.env, dirs, (options, start), &fresh).await?;
        images.extend(lost.keys().filter_map(|number| self.aside.remove_entry(number)));
        for log in logs {
            self.broken.remove(&log.number());
            let (image, error) = (images.remove(&log.number()), lost[&log.number()].clone());
            let image = image.ok_or_else(|| StorageError::Corrupt {
                place: format!("log {}", log.id()).into(),
                why: "neither checkpoint nor journal tell how it began",
            })?;
            shard.put_offline(&log, image, error);
        }
        Ok(())
    }

    /// What was set aside of logs that are whole again goes to their segments, and is needed no more.
    async fn settle_mended(&mut self) -> Result<(), StorageError> {
        let (shard, context) = (self.shard.clone(), self.shard.context.clone());
        for (number, image) in std::mem::take(&mut self.aside) {
            let Some(log) = self.log(number) else { continue };
            match log.flush_all().await {
                Ok(()) => self.report.mended.push(log.id()),
                Err(error) => shard.put_offline(&log, image, error),
            }
        }
        if self.report.mended.is_empty() {
            return Ok(());
        }
        shard.checkpoint().await?;
        for id in &self.report.mended {
            aside::remove(&context.env, &context.data_dir, *id).await?;
        }
        Ok(())
    }

    /// The log to replay for.
    fn log(&self, number: LogNumber) -> Option<Rc<Log<E>>> {
        if self.lost.contains_key(&number) {
            return None;
        }
        self.shard.by_number.borrow().get(&number).cloned()
    }

    fn knows(&self, number: LogNumber) -> bool {
        self.shard.by_number.borrow().contains_key(&number)
    }

    async fn apply(&mut self, record: Record) -> Result<(), StorageError> {
        self.report.replayed += 1;
        let sequence = record.sequence;
        match decode(record.kind, &record.payload)? {
            Entry::Append { place, batch } => {
                self.batch(sequence, place, (batch, Source::Journal), self.captured(&place)).await?
            }
            Entry::Bypass { place, safe, header } => {
                self.check_break(&place, safe);
                self.bypassed(sequence, place, header).await?;
            }
            Entry::Create { number, id, config } => {
                if !self.knows(number) && !self.came_back(id, number) {
                    self.shard.insert(id, number, State::new(config, Default::default()));
                }
            }
            Entry::Delete { number } => {
                if let Some(log) = self.remove(number) {
                    log.retire(Life::Deleted);
                    if !self.shard.has(log.id()) {
                        self.shard.deleting.borrow_mut().insert(log.id());
                    }
                }
            }
            Entry::Forget { number } => {
                if let Some(log) = self.remove(number) {
                    log.retire(Life::Moved);
                    log.let_go();
                }
            }
            Entry::Config { number, config } => {
                if let Some(log) = self.log(number) {
                    log.state().borrow_mut().config = config;
                }
            }
            Entry::Start { number, offset } => {
                if let Some(log) = self.log(number) {
                    log.replay_start(offset);
                }
            }
            Entry::Epoch { number, epoch, offset } => {
                if let Some(log) = self.log(number).filter(|_| !self.broken.contains_key(&number))
                    && !log.state().borrow().cuts.void(sequence, offset)
                {
                    log.replay_epoch(epoch, offset);
                }
            }
            Entry::Truncate { number, offset } => {
                if let Some(log) = self.log(number).filter(|log| !log.state().borrow().cuts.know(sequence)) {
                    self.broken.remove(&number);
                    self.breaks.remove(&number);
                    self.gaps.remove(&number);
                    if let Err(error) = log.replay_cut(sequence, offset) {
                        self.lose(number, error)?;
                    }
                }
            }
            Entry::Adopt { number, generation, first, last, part } => {
                if let Some((first, contents)) = self.adopting.push(sequence, number, (first, last), &part)? {
                    self.adopted(first, generation, contents).await?;
                }
            }
        }
        Ok(())
    }

    async fn adopted(
        &mut self,
        sequence: Sequence,
        generation: Generation,
        Contents { image, rest }: Contents,
    ) -> Result<(), StorageError> {
        let (id, number, known) = (image.id, image.number, image.end);
        if !self.knows(number) {
            if self.came_back(id, number) {
                return Ok(());
            }
            self.shard.deleting.borrow_mut().remove(&id);
            self.shard.insert(id, number, State::restore(LogImage { generation, ..image }));
        }
        for (place, batch) in rest {
            self.batch(sequence, place, (batch, Source::Journal), known).await?;
        }
        Ok(())
    }

    fn remove(&mut self, number: LogNumber) -> Option<Rc<Log<E>>> {
        self.lost.remove(&number);
        self.aside.remove(&number);
        let log = self.shard.by_number.borrow_mut().remove(&number)?;
        let mut logs = self.shard.logs.borrow_mut();
        if logs.get(&log.id()).is_some_and(|present| present.number() == number) {
            logs.remove(&log.id());
        }
        Some(log)
    }

    /// Whether the checkpoint knows the log under a later number: it had gone, and came back.
    fn came_back(&self, id: LogId, number: LogNumber) -> bool {
        let logs = self.shard.logs.borrow();
        logs.get(&id).is_some_and(|present| present.number() > number) && !active(Mutant::LogNamesComeOnce)
    }

    fn captured(&self, place: &Place) -> Offset {
        self.captured.get(&place.number).copied().unwrap_or_default()
    }

    /// Replays a batch of a log whose producers and epochs are known up to `captured`.
    async fn batch(
        &mut self,
        sequence: Sequence,
        place: Place,
        (batch, source): (Bytes, Source),
        captured: Offset,
    ) -> Result<(), StorageError> {
        let Some(log) = self.log(place.number) else { return Ok(()) };
        if self.passes_over(sequence, &log, place.number, &batch) {
            return Ok(());
        }
        match log.replay(sequence, &place, (&batch, source), captured) {
            Ok(()) => self.make_room().await,
            Err(error) => self.lose(place.number, error),
        }
    }

    /// A log cannot be had as it was: the others can.
    fn lose(&mut self, number: LogNumber, error: StorageError) -> Result<(), StorageError> {
        self.lost.entry(number).or_insert(error);
        Ok(())
    }

    /// Whether a batch is not to be replayed: a cut took it away, or the log is broken before it. One beyond the log's end
    /// breaks it: records are missing, unless the record of a cut that explains it is still to come.
    fn passes_over(&mut self, sequence: Sequence, log: &Log<E>, number: LogNumber, header: &[u8]) -> bool {
        let Ok(header) = Header::parse(header) else { return false };
        if self.broken.contains_key(&number) || log.state().borrow().cuts.void(sequence, header.base_offset) {
            return true;
        }
        let beyond = header.base_offset > log.end();
        if beyond {
            self.broken.insert(number, log.end());
            self.gaps.insert(number);
        }
        beyond
    }

    async fn bypassed(&mut self, sequence: Sequence, place: Place, header: Bytes) -> Result<(), StorageError> {
        let Some(log) = self.log(place.number) else { return Ok(()) };
        let Ok(parsed) = Header::parse(&header) else {
            let place_of = format!("journal record {}", sequence.0).into();
            return self.lose(place.number, StorageError::Corrupt { place: place_of, why: "no batch header" });
        };
        if !log.lacks(&place, &parsed) || self.passes_over(sequence, &log, place.number, &header) {
            return Ok(());
        }
        match self.read_bypassed(&log, &place, &parsed, &header).await {
            Some(batch) => self.batch(sequence, place, (batch, Source::Segment), self.captured(&place)).await,
            None => {
                self.broken.insert(place.number, parsed.base_offset);
                self.breaks.insert(place.number, (place.segment, place.position.saturating_add(parsed.size)));
                Ok(())
            }
        }
    }

    /// A batch that is not whole was never acknowledged, and its log ends before it; unless a later record tells that its
    /// segment was durable beyond it: then it rotted, and to cut the log there would lose what was acknowledged.
    fn check_break(&mut self, place: &Place, safe: u32) {
        let Some(&(segment, end)) = self.breaks.get(&place.number) else { return };
        if place.segment != segment || safe < end {
            return;
        }
        let Some(log) = self.log(place.number) else { return };
        let path = log_dir(&self.shard.context.data_dir, log.id()).join(segment_name(segment));
        let damaged = "the batch that ends here was durable, and is damaged";
        self.lost.insert(place.number, StorageError::corrupt(&path, u64::from(end), damaged));
    }

    /// The batch from its segment, if it is there whole.
    async fn read_bypassed(&self, log: &Log<E>, place: &Place, parsed: &Header, header: &[u8]) -> Option<Bytes> {
        let path = log_dir(&self.shard.context.data_dir, log.id()).join(segment_name(place.segment));
        let file = log.segment_file(place.segment, FileKind::Data, &path, false).await.ok()?;
        let lead = place.position as usize % BLOCK;
        let memory = AlignedBuf::zeroed(lead + parsed.size as usize);
        let (bytes, count) = file.read_at(u64::from(place.position) - lead as u64, memory).await.ok()?;
        let batch = bytes.freeze().slice(..count).slice(lead.min(count)..);
        if batch.len() < parsed.size as usize {
            return None;
        }
        let batch = batch.slice(..parsed.size as usize);
        let whole = batch.starts_with(header) && checksum_holds(parsed, &batch);
        (whole || active(Mutant::LogTrustsBypassed)).then_some(batch)
    }

    /// Writes to segments what was replayed, if it is more than memory should hold.
    async fn make_room(&mut self) -> Result<(), StorageError> {
        let context = self.shard.context.clone();
        if context.cached() <= context.options.cache_bytes {
            return Ok(());
        }
        while context.evict_flushed() {
            if context.cached() <= context.options.cache_bytes / 2 {
                return Ok(());
            }
        }
        let dirty: Vec<Rc<Log<E>>> =
            context.dirty.borrow().iter().filter_map(|(_, number)| self.log(*number)).collect();
        for log in dirty {
            match log.flush_blocks().await {
                Ok(()) => {}
                // Then memory holds it, over its bound.
                Err(StorageError::DiskFull) => return Ok(()),
                Err(error) if error.is_not_found() => {
                    self.lost.insert(log.number(), error);
                    log.let_go();
                }
                Err(error) => return Err(error),
            }
        }
        while context.cached() > context.options.cache_bytes / 2 && context.evict_flushed() {}
        Ok(())
    }

    async fn finish(mut self) -> Result<RecoveryReport, StorageError> {
        for (number, offset) in std::mem::take(&mut self.broken) {
            let Some(log) = self.log(number) else { continue };
            let offset = offset.max(log.start());
            let cut = self.shard.context.write(kind::TRUNCATE, &[&number.0.to_le_bytes(), &offset.0.to_le_bytes()]);
            log.replay_cut(cut, offset)?;
            self.report.truncated.push(log.id());
            self.report.suspect |= self.gaps.contains(&number);
        }
        for (number, captured) in &self.captured {
            if let Some(log) = self.log(*number)
                && log.end() < *captured
            {
                tracing::error!(id = %log.id(), end = log.end().0, was = captured.0, "acknowledged records are missing");
                log.cut_memory_to_end();
                self.report.suspect = true;
            }
        }
        let logs: Vec<Rc<Log<E>>> = self.shard.by_number.borrow().values().cloned().collect();
        for log in logs {
            if let Err(error) = log.replayed().await {
                // What it holds is not told of before it is durable; it is tried again, and what fails then is final.
                tracing::warn!(id = %log.id(), %error, "what was recovered could not be written");
                log.kick(Extent::All);
            }
        }
        self.settle_mended().await?;
        self.report.logs = self.shard.logs.borrow().len();
        Ok(self.report)
    }
}
