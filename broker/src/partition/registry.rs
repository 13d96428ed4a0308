//! The partitions that this core leads, and how they follow the cluster's image. Those that are offline nobody leads.

use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Entry},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use corelog_storage::{
    compress::Compression,
    ids::{LogId, PartitionIndex, TopicId},
    log::Log,
    shard::Shard,
};

use crate::{
    config::{
        Settings, TopicConfig,
        topic::{CompressionType, TimestampType},
    },
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        ids::{DirectoryId, NodeId},
        image::{ClusterImage, TopicImage, is_internal},
        record::{ConfigOverrides, PartitionState},
    },
    partition::{Partition, TopicRules, offline::Offline},
    transfer::mutant::{self, Mutant},
};

/// The partitions led by one core.
pub struct Registry<E: NetEnv> {
    /// By topic first: a request names many partitions of few topics, and numbers are compared faster than names.
    led: RefCell<BTreeMap<TopicId, BTreeMap<PartitionIndex, Rc<Partition<E>>>>>,
    offline: Offline,
}

/// Which topics a newer image may have changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Those that it says otherwise.
    ChangedTopics,
    /// All: what they inherit changed.
    AllTopics,
}

/// What a topic's configuration asks of its partitions.
struct Wanted {
    rules: Arc<TopicRules>,
    segment_jitter: Duration,
}

impl Wanted {
    fn of(settings: &Settings, own: &ConfigOverrides, internal: bool) -> Self {
        let config = TopicConfig::resolve(settings, own);
        Self { rules: Arc::new(TopicRules::new(&config, internal)), segment_jitter: config.segment_jitter }
    }
}

impl<E: NetEnv> Registry<E> {
    /// It leads nothing yet, and never what is `offline`.
    pub fn new(offline: Offline) -> Self {
        Self { led: RefCell::default(), offline }
    }

    /// A partition that this core leads.
    pub fn get(&self, id: LogId) -> Option<Rc<Partition<E>>> {
        self.led.borrow().get(&id.topic)?.get(&id.partition).cloned()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.led.borrow().values().map(BTreeMap::len).sum()
    }

    /// Those that nobody leads.
    pub fn offline(&self) -> &Offline {
        &self.offline
    }

    /// How many there are in each directory of `node`, which this is.
    pub fn count_by_directory(&self, node: NodeId) -> BTreeMap<DirectoryId, usize> {
        let mut counts = BTreeMap::new();
        for partition in self.led.borrow().values().flat_map(BTreeMap::values) {
            if let Some(directory) = partition.directory_on(node) {
                *counts.entry(directory).or_default() += 1;
            }
        }
        counts
    }

    /// Leads none any more of those that `node`, which this is, has in a directory.
    pub fn resign_from(&self, node: NodeId, directory: DirectoryId) {
        for partition in self.all().into_iter().filter(|partition| partition.directory_on(node) == Some(directory)) {
            self.let_go_of(&partition);
        }
    }

    /// All of them, by topic id and index.
    pub fn all(&self) -> Vec<Rc<Partition<E>>> {
        self.led.borrow().values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Follows a newer image: leads what has become this core's, updates what stays, lets go of the rest, and deletes
    /// the logs of topics that are gone.
    pub fn reconcile(&self, core: &Rc<Core<E>>, before: &ClusterImage, after: &ClusterImage, reach: Reach) {
        let settings = core.settings();
        // Most topics have no values of their own: what they inherit is found out once.
        let inherited = Rc::new(Wanted::of(&settings, &ConfigOverrides::new(), false));
        for topic in after.topics() {
            let unchanged = before.topic_by_id(topic.id).is_some_and(|old| Arc::ptr_eq(old, topic));
            if unchanged && reach == Reach::ChangedTopics {
                continue;
            }
            let internal = is_internal(&topic.name);
            let wanted = match topic.configs.is_empty() && !internal {
                true => inherited.clone(),
                false => Rc::new(Wanted::of(&settings, &topic.configs, internal)),
            };
            self.reconcile_topic(core, topic, &wanted);
        }
        self.let_go(core, after);
    }

    fn reconcile_topic(&self, core: &Rc<Core<E>>, topic: &TopicImage, wanted: &Wanted) {
        for state in &topic.partitions {
            if state.leader_core() != Some((core.node, core.id)) {
                continue;
            }
            let id = topic.log(state.index);
            let rules = wanted.rules.jittered(id, wanted.segment_jitter);
            match self.get(id) {
                None if self.offline.why(id, state).is_some() => {}
                Some(partition) => {
                    if partition.directory_on(core.node) == state.directory_on(core.node)
                        || self.go_over(core, &partition, state)
                    {
                        partition.update(state.clone(), rules.clone());
                    }
                }
                None => self.lead(core, id, topic, state, rules.clone()),
            }
        }
    }

    fn lead(&self, core: &Core<E>, id: LogId, topic: &TopicImage, state: &PartitionState, rules: Arc<TopicRules>) {
        let directory = state.directory_on(core.node).and_then(|directory| core.directories.shard(directory));
        let Some(shard) = directory else {
            tracing::error!(partition = %id, topic = %topic.name, "the partition is in no data directory of this node");
            return;
        };
        let log = match shard.log(id) {
            Some(log) => {
                log.set_config(rules.log);
                log
            }
            None => match shard.create_log(id, rules.log) {
                Ok(log) => log,
                Err(error) => {
                    tracing::error!(partition = %id, topic = %topic.name, %error, "the partition cannot be served");
                    return;
                }
            },
        };
        let partition = Partition::lead(log, topic.name.clone(), state.clone(), rules);
        self.led.borrow_mut().entry(id.topic).or_default().insert(id.partition, partition);
    }

    /// Leads, held, a partition that comes from another core, whose `log` is this core's now; false if its topic is gone.
    pub(crate) fn take_over(&self, core: &Core<E>, log: Rc<Log<E>>) -> bool {
        let (id, image) = (log.id(), core.image());
        let Some((topic, state)) =
            image.topic_by_id(id.topic).and_then(|topic| Some((topic, topic.partition(id.partition)?)))
        else {
            return false;
        };
        let wanted = Wanted::of(&core.settings(), &topic.configs, topic.is_internal());
        let rules = wanted.rules.jittered(id, wanted.segment_jitter);
        log.set_config(rules.log);
        let partition = Partition::lead(log, topic.name.clone(), state.clone(), rules);
        if !mutant::active(Mutant::GoesOnEarly) {
            partition.hold();
        }
        self.led.borrow_mut().entry(id.topic).or_default().insert(id.partition, partition);
        true
    }

    /// The partition is in another directory from now on, where its log was copied to; false if nobody can lead it there.
    fn go_over(&self, core: &Core<E>, partition: &Rc<Partition<E>>, state: &PartitionState) -> bool {
        let id = partition.id();
        let directory = state.directory_on(core.node).filter(|_| self.offline.why(id, state).is_none());
        let log = directory.and_then(|directory| core.directories.shard(directory)?.log(id));
        match log {
            Some(log) => partition.go_over(log),
            None => {
                tracing::error!(partition = %id, topic = %partition.topic(), "the partition cannot be served from the data directory that it went to");
                self.let_go_of(partition);
                return false;
            }
        }
        true
    }

    /// Leads a partition no more, though it is this core's: it cannot be served.
    pub fn let_go_of(&self, partition: &Partition<E>) {
        self.forget(partition.id());
        partition.resign();
    }

    fn forget(&self, id: LogId) {
        let mut led = self.led.borrow_mut();
        if let Entry::Occupied(mut topic) = led.entry(id.topic) {
            topic.get_mut().remove(&id.partition);
            if topic.get().is_empty() {
                topic.remove();
            }
        }
    }

    /// Resigns from partitions that are no longer this core's; deletes the logs of deleted topics.
    fn let_go(&self, core: &Rc<Core<E>>, after: &ClusterImage) {
        for partition in self.all() {
            // Of those on their way to or from another core, who brings them knows whose they are.
            if !core.transfers.has(partition.id()) {
                self.let_go_unless_own(core, &partition, after);
            }
        }
        // In a directory that is offline they go at the next start that has it.
        for shard in core.directories.shards().filter(|shard| shard.failure().is_none()) {
            for (id, _) in shard.offline() {
                if after.topic_by_id(id.topic).is_none() {
                    delete(shard, id);
                }
            }
        }
    }

    /// A partition is not on its way any more: it may be that it is not this core's by now.
    pub(crate) fn settle(&self, core: &Rc<Core<E>>, id: LogId) {
        if let Some(partition) = self.get(id) {
            self.let_go_unless_own(core, &partition, &core.image());
        }
    }

    fn let_go_unless_own(&self, core: &Rc<Core<E>>, partition: &Partition<E>, image: &ClusterImage) {
        let id = partition.id();
        if image.partition(id).and_then(PartitionState::leader_core) == Some((core.node, core.id)) {
            return;
        }
        self.let_go_of(partition);
        let directory = partition.directory_on(core.node);
        if image.topic_by_id(id.topic).is_none()
            && let Some(shard) = directory.and_then(|directory| core.directories.shard(directory))
        {
            delete(shard, id);
        }
    }
}

/// Nobody waits for that: it may be many gigabytes, and the topic is gone either way.
fn delete<E: NetEnv>(shard: &Rc<Shard<E>>, id: LogId) {
    if let Err(error) = shard.drop_log(id) {
        tracing::error!(partition = %id, %error, "the log of a deleted topic could not be deleted");
    }
}

impl TopicRules {
    /// The rules of a topic with this configuration.
    pub fn new(config: &TopicConfig, internal: bool) -> Self {
        let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self {
            max_message_bytes: config.max_message_bytes as usize,
            min_insync_replicas: usize::from(config.min_insync_replicas),
            timestamp_before_max_ms: config.timestamp_before_max_ms,
            timestamp_after_max_ms: config.timestamp_after_max_ms,
            keyed: config.compact,
            compression: compression(config),
            internal,
            log: corelog_storage::log::LogConfig {
                segment_bytes: u32::try_from(config.segment_bytes).unwrap_or(u32::MAX),
                segment_ms: ms(config.segment_age),
                retention_ms: config.retention.map(ms),
                retention_bytes: config.retention_bytes,
                log_append_time: config.timestamp_type == TimestampType::LogAppend,
                delete: config.delete,
                relaxed: !internal && (config.flush_messages > 1 || config.flush_interval.is_some()),
            },
        }
    }

    /// For one partition: its segments roll earlier by its part of the jitter, so that not all roll at once.
    fn jittered(self: &Arc<Self>, id: LogId, jitter: Duration) -> Arc<Self> {
        let jitter = i64::try_from(jitter.as_millis()).unwrap_or(i64::MAX);
        if jitter == 0 {
            return self.clone();
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&id.topic.0);
        hasher.update(&id.partition.0.to_le_bytes());
        let mut own = **self;
        own.log.segment_ms = own.log.segment_ms.saturating_sub(i64::from(hasher.finalize()) % jitter).max(1);
        Arc::new(own)
    }
}

/// The codec that a topic demands; `None` keeps batches as they came.
fn compression(config: &TopicConfig) -> Option<Compression> {
    Some(match config.compression {
        CompressionType::Producer => return None,
        CompressionType::Uncompressed => Compression::None,
        CompressionType::Gzip => Compression::Gzip(config.gzip_level),
        CompressionType::Snappy => Compression::Snappy,
        CompressionType::Lz4 => Compression::Lz4,
        CompressionType::Zstd => Compression::Zstd(config.zstd_level),
    })
}
