//! The broker's configuration in force, typed, out of the file and the command line.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    config::{
        across, broker_keys,
        definition::BadValue,
        listener::{self, Advertises, Endpoint, ListenerConfig},
        machine_limits,
        settings::Settings,
    },
    limits::{DATA_DIRS, GROUP_LINGER},
    metadata::ids::NodeId,
};

/// What the broker was told. Shared by all cores, never changed.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// The values as they were set; what a topic inherits comes from here.
    pub settings: Settings,
    /// This node.
    pub node: NodeId,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Where it listens.
    pub listeners: Vec<ListenerConfig>,
    /// The data directories, each on a disk of its own.
    pub data_dirs: Vec<PathBuf>,
    /// How many cores it runs on.
    pub cores: u16,
    /// Whether cores that have little to do share a CPU.
    pub gather: bool,
    /// How long a core without work looks for some before it sleeps.
    pub spin: Duration,
    /// Bytes of memory for buffers, caches and unsent answers, over all cores.
    pub memory: u64,
    /// Bytes of each core's journal.
    pub journal_bytes: u64,
    /// Topics.
    pub topics: TopicDefaults,
    /// Requests and connections.
    pub net: NetConfig,
    /// Where metrics and health are served; `None`: nowhere, and nothing is counted.
    pub metrics: Option<MetricsListener>,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Groups and their offsets.
    pub groups: GroupConfig,
    /// How often retention looks.
    pub retention_check_interval: Duration,
}

/// What holds for topics as such.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicDefaults {
    /// Whether asking for an unknown topic creates it.
    pub auto_create: bool,
    /// Whether topics may be deleted.
    pub delete_enabled: bool,
    /// Partitions of a topic that does not say.
    pub partitions: i32,
    /// Replicas of a topic that does not say.
    pub replication_factor: i16,
}

/// Where an operator's tools ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricsListener {
    /// Where it listens.
    pub bind: Endpoint,
    /// Whether somebody asked for just this address: then the broker does not start without it.
    pub chosen: bool,
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object on each line.
    Json,
}

/// What holds for requests and connections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetConfig {
    /// The largest request in bytes.
    pub request_max_bytes: u32,
    /// The largest answer to a fetch in bytes.
    pub fetch_max_bytes: u32,
    /// How long a silent connection stays open; `None` is for ever.
    pub max_idle: Option<Duration>,
    /// Whether connections move between cores.
    pub hand_over: bool,
    /// Fetch sessions that each core keeps.
    pub fetch_sessions: usize,
    /// Partitions that DescribeTopicPartitions answers at once.
    pub describe_partitions_limit: u32,
}

/// What holds for groups and their offsets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupConfig {
    /// How long a new group waits for more members.
    pub initial_rebalance_delay: Duration,
    /// The shortest session a member may ask for.
    pub min_session_timeout: Duration,
    /// The longest session a member may ask for.
    pub max_session_timeout: Duration,
    /// Members of one group.
    pub max_size: u32,
    /// The longest note beside a committed offset, in bytes.
    pub offset_metadata_max_bytes: u32,
    /// How long committed offsets may wait to be written together.
    pub linger: Duration,
    /// How long a commit may wait.
    pub commit_timeout: Duration,
    /// How long the offsets of an empty group are kept.
    pub offsets_retention: Duration,
    /// How often expired offsets are looked for.
    pub offsets_retention_check_interval: Duration,
    /// Partitions of `__consumer_offsets`.
    pub offsets_partitions: i32,
    /// Replicas of `__consumer_offsets`, if there are as many nodes.
    pub offsets_replication_factor: i16,
    /// Segment size of `__consumer_offsets` in bytes.
    pub offsets_segment_bytes: u32,
}

/// A configuration that cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ConfigError {}

impl From<BadValue> for ConfigError {
    fn from(bad: BadValue) -> Self {
        Self(bad.to_string())
    }
}

impl BrokerConfig {
    /// Turns values, each right by itself, into a configuration that is right as a whole.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        across::check(&settings)?;
        Ok(Self {
            node: NodeId(settings.number("node.id") as i32),
            rack: settings.value("broker.rack").map(str::to_owned),
            listeners: listeners(&settings)?,
            data_dirs: data_dirs(&settings)?,
            cores: settings.optional_number("cores").map_or_else(machine_limits::cores, |cores| cores as u16),
            gather: settings.flag("core.gather"),
            spin: Duration::from_micros(settings.number("core.spin.us").unsigned_abs()),
            memory: memory(&settings)?,
            journal_bytes: size(&settings, "journal.size", MIN_JOURNAL)?.expect("journal.size has a default"),
            topics: TopicDefaults {
                auto_create: settings.flag("auto.create.topics.enable"),
                delete_enabled: settings.flag("delete.topic.enable"),
                partitions: settings.number("num.partitions") as i32,
                replication_factor: i16::try_from(settings.number("default.replication.factor")).unwrap_or(i16::MAX),
            },
            net: net(&settings),
            metrics: metrics(&settings)?,
            log_format: if settings.value("logging.format") == Some("json") {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            groups: groups(&settings),
            retention_check_interval: millis(&settings, "log.retention.check.interval.ms"),
            settings,
        })
    }

    /// Sets one key from the command line and reads everything anew.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, ConfigError> {
        let definition = broker_keys::find(key).ok_or_else(|| ConfigError(format!("unknown key {key}")))?;
        let mut settings = self.settings.clone();
        settings.set(definition, value)?;
        Self::new(settings)
    }

    /// Bytes of memory for each core.
    pub fn memory_per_core(&self) -> u64 {
        self.memory / u64::from(self.cores)
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self::new(Settings::default()).expect("the defaults are right as a whole")
    }
}

const MIN_JOURNAL: u64 = 4 << 20;
const MIN_MEMORY: u64 = 64 << 20;

fn listeners(settings: &Settings) -> Result<Vec<ListenerConfig>, ConfigError> {
    let own_name = machine_limits::host_name();
    let parse = |advertises, listeners: &str, advertised: &str| {
        listener::parse(advertises, listeners, settings.value(advertised), &own_name)
    };
    let node = settings.value("listeners").expect("listeners has a default");
    let mut all = parse(Advertises::Node, node, "advertised.listeners")
        .map_err(|what| ConfigError(format!("listeners: {what}")))?;
    if let Some(cores) = settings.value("core.listeners") {
        let cores = parse(Advertises::Cores, cores, "advertised.core.listeners")
            .map_err(|what| ConfigError(format!("core.listeners: {what}")))?;
        if let Some(twice) = cores.iter().find(|core| all.iter().any(|node| node.name == core.name)) {
            return Err(ConfigError(format!("{} is in listeners and in core.listeners", twice.name)));
        }
        all.extend(cores);
    }
    Ok(all)
}

fn data_dirs(settings: &Settings) -> Result<Vec<PathBuf>, ConfigError> {
    let (key, text) = match settings.value("log.dirs") {
        Some(text) => ("log.dirs", text),
        None => ("log.dir", settings.value("log.dir").expect("log.dir has a default")),
    };
    let mut dirs: Vec<PathBuf> = Vec::new();
    for dir in text.split(',').map(str::trim).filter(|dir| !dir.is_empty()).map(PathBuf::from) {
        if dirs.contains(&dir) {
            return Err(ConfigError(format!("{key}: {} is named twice", dir.display())));
        }
        dirs.push(dir);
    }
    match dirs.len() {
        0 => Err(ConfigError(format!("{key}: no directory is named"))),
        count if count > DATA_DIRS => {
            Err(ConfigError(format!("{key}: {count} directories, at most {DATA_DIRS} can be")))
        }
        _ => Ok(dirs),
    }
}

fn memory(settings: &Settings) -> Result<u64, ConfigError> {
    let quarter = || (machine_limits::memory() / 4).max(MIN_MEMORY);
    Ok(size(settings, "memory", MIN_MEMORY)?.unwrap_or_else(quarter))
}

fn net(settings: &Settings) -> NetConfig {
    NetConfig {
        request_max_bytes: settings.number("socket.request.max.bytes") as u32,
        fetch_max_bytes: settings.number("fetch.max.bytes") as u32,
        max_idle: u64::try_from(settings.number("connections.max.idle.ms")).ok().map(Duration::from_millis),
        hand_over: settings.flag("connections.hand.over"),
        fetch_sessions: settings.number("max.incremental.fetch.session.cache.slots") as usize,
        describe_partitions_limit: settings.number("max.request.partition.size.limit") as u32,
    }
}

fn metrics(settings: &Settings) -> Result<Option<MetricsListener>, ConfigError> {
    let key = "metrics.listener";
    let at = settings.value(key).expect("metrics.listener has a default");
    if at == "none" {
        return Ok(None);
    }
    let bind = Endpoint::parse(at).map_err(|what| ConfigError(format!("{key}: {what}; or `none`")))?;
    Ok(Some(MetricsListener { bind, chosen: settings.own(key).is_some() }))
}

fn groups(settings: &Settings) -> GroupConfig {
    GroupConfig {
        initial_rebalance_delay: millis(settings, "group.initial.rebalance.delay.ms"),
        min_session_timeout: millis(settings, "group.min.session.timeout.ms"),
        max_session_timeout: millis(settings, "group.max.session.timeout.ms"),
        max_size: settings.number("group.max.size") as u32,
        offset_metadata_max_bytes: settings.number("offset.metadata.max.bytes").max(0) as u32,
        linger: match settings.number("group.coordinator.append.linger.ms") {
            -1 => GROUP_LINGER,
            ms => Duration::from_millis(ms.unsigned_abs()),
        },
        commit_timeout: millis(settings, "offsets.commit.timeout.ms"),
        offsets_retention: Duration::from_secs(60 * settings.number("offsets.retention.minutes").unsigned_abs()),
        offsets_retention_check_interval: millis(settings, "offsets.retention.check.interval.ms"),
        offsets_partitions: settings.number("offsets.topic.num.partitions") as i32,
        offsets_replication_factor: settings.number("offsets.topic.replication.factor") as i16,
        offsets_segment_bytes: settings.number("offsets.topic.segment.bytes") as u32,
    }
}

fn millis(settings: &Settings, key: &str) -> Duration {
    Duration::from_millis(u64::try_from(settings.number(key)).unwrap_or(0))
}

fn size(settings: &Settings, key: &str, least: u64) -> Result<Option<u64>, ConfigError> {
    let Some(text) = settings.value(key) else { return Ok(None) };
    let bytes = parse_size(text)
        .ok_or_else(|| ConfigError(format!("{key}: `{text}` is not a size such as 512MiB, 2GiB or 1073741824")))?;
    match bytes < least {
        true => Err(ConfigError(format!("{key}: {text} is too little, at least {} MiB are needed", least >> 20))),
        false => Ok(Some(bytes)),
    }
}

/// `512MiB`, `2 GiB`, `1g` or plain bytes.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_the_broker_listens_on_loopback_and_keeps_its_data_beside_it() {
        let config = BrokerConfig::default();
        assert_eq!(config.listeners[0].bind.to_string(), "127.0.0.1:9092");
        assert_eq!(config.data_dirs, [PathBuf::from("corelog-data")]);
        assert_eq!(config.journal_bytes, 256 << 20);
        assert!(config.memory >= MIN_MEMORY && config.cores >= 1);
        let metrics = config.metrics.expect("metrics are served");
        assert_eq!((metrics.bind.to_string().as_str(), metrics.chosen), ("127.0.0.1:9404", false));
        assert_eq!(BrokerConfig::default().with("metrics.listener", "none").expect("valid").metrics, None);
    }

    #[test]
    fn data_directories_are_a_list_that_goes_before_the_one() {
        let dirs = |key: &str, value: &str| BrokerConfig::default().with(key, value).expect("valid").data_dirs;
        assert_eq!(dirs("log.dirs", "/a, /b,"), [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(dirs("log.dir", "/a,/b"), [PathBuf::from("/a"), PathBuf::from("/b")]);
        let both = BrokerConfig::default().with("log.dir", "/a").and_then(|config| config.with("log.dirs", "/b"));
        assert_eq!(both.expect("valid").data_dirs, [PathBuf::from("/b")]);
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(parse_size("512MiB"), Some(512 << 20));
        assert_eq!(parse_size("2 g"), Some(2 << 30));
        assert_eq!(parse_size("1073741824"), Some(1 << 30));
        assert_eq!(parse_size("many"), None);
        assert_eq!(parse_size("99999999999999T"), None);
    }

    #[test]
    fn values_that_contradict_each_other_are_refused() {
        let error = |key: &str, value: &str| BrokerConfig::default().with(key, value).expect_err("refused").0;
        assert!(error("log.retention.ms", "0").contains("for ever"));
        assert!(error("group.min.session.timeout.ms", "9000000").contains("group.max.session.timeout.ms"));
        assert!(error("listeners", "PLAINTEXT://0.0.0.0:9092").contains("advertised.listeners"));
        assert!(error("core.listeners", "PLAINTEXT://127.0.0.1:1").contains("in core.listeners"));
        assert!(error("memory", "1KiB").contains("at least 64 MiB"));
        assert!(error("log.dir", "a,b, a").contains("a is named twice"));
        assert!(error("log.dir", " , ").contains("no directory is named"));
        assert!(error("metrics.listener", "9404").contains("HOST:PORT"));
    }
}
