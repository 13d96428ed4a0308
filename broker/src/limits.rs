//! Every bound of the broker, in one place, with what they must satisfy among each other.

use std::time::Duration;

/// One KiB in bytes.
const KIB: usize = 1024;
/// One MiB in bytes.
const MIB: usize = 1024 * KIB;

/// The length prefix of every frame, in bytes.
pub const FRAME_PREFIX: usize = 4;
/// What a frame must at least hold: API key, version, correlation id, client id length.
pub const FRAME_MIN: usize = 10;
/// The longest frame of any API, length prefix not counted (Kafka's `socket.request.max.bytes`).
pub const FRAME_MAX: usize = 100 * MIB;
/// The longest frame of an API that carries no records.
pub const FRAME_MAX_WITHOUT_RECORDS: usize = 16 * MIB;
/// The longest frame without records before a connection's first valid request.
pub const FRAME_MAX_FIRST: usize = MIB;

/// A frame of at least this length that is not wholly there is received straight into the buffer that is kept.
pub const FRAME_LARGE: usize = 8 * KIB;
/// The least that such a buffer holds.
pub const FRAME_BUFFER_MIN: usize = 16 * KIB;
/// How many times what has arrived the buffer of a large frame may hold: an announced length alone costs nothing.
pub const FRAME_BUFFER_GROWTH: usize = 4;
/// What it may hold at once, if the connection's last large frame was as long.
pub const FRAME_BUFFER_SHOWN: usize = MIB;

/// Requests of one connection that may be begun or waiting at a time; beyond it the socket is not read.
pub const IN_FLIGHT_PER_CONNECTION: usize = 256;
/// Bytes of one connection's requests that may be begun or waiting at a time.
pub const IN_FLIGHT_BYTES_PER_CONNECTION: usize = FRAME_MAX + MIB;
/// Broker ids set aside for the cores of a node, where each core is a broker of its own.
pub const BROKER_IDS_PER_NODE: i32 = 1000;
/// Refused records that one Produce response names.
pub const REFUSED_RECORDS_PER_RESPONSE: usize = 10_000;
/// The longest words beside an error, in bytes: they may repeat what a client sent, and a text has 32,767 bytes at most.
pub const REFUSAL_MESSAGE_MAX: usize = 4 * KIB;
const _: () = assert!(REFUSAL_MESSAGE_MAX <= i16::MAX as usize);
/// How much of a core's tail cache is used as long as no reader falls behind it, in bytes: a second of most loads. Memory
/// that was used before costs less than fresh memory: the first 3 GB written to a broker at 0.77x of the CPU, in 527 MiB where
/// 2,240 were.
pub const CACHE_BEGINS: usize = 256 * MIB;
/// Requests of one core that another has not yet answered.
pub const MAILBOX_CREDITS: usize = 1024;
/// How long a start waits for an address that is in use, and how often it tries.
pub const BIND_PATIENCE: Duration = Duration::from_secs(10);
/// See [`BIND_PATIENCE`].
pub const BIND_POLL: Duration = Duration::from_millis(50);
/// How long a start waits for a data directory that is in use, and how often it tries.
pub const DATA_DIR_PATIENCE: Duration = Duration::from_secs(5);
/// See [`DATA_DIR_PATIENCE`].
pub const DATA_DIR_POLL: Duration = Duration::from_millis(50);
/// Data directories of one node: each has a journal for every core.
pub const DATA_DIRS: usize = 64;
/// How often a connection that must wait for its place asks again.
pub const ADMISSION_POLL: Duration = Duration::from_millis(50);
/// How long to wait after an accept that failed.
pub const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How long connections may take to get their last answers when the node stops, and how often it looks.
pub const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// See [`STOP_PATIENCE`].
pub const STOP_POLL: Duration = Duration::from_millis(10);
/// Buffer memory that a core makes ready in advance.
pub const POOL_TOUCH_AHEAD: usize = 4 * MIB;
/// How long committed offsets may wait to be written together, unless a setting says so.
pub const GROUP_LINGER: Duration = Duration::from_millis(10);
/// When a group coordinator whose log is full tries again to append: it waits, as clients do that are refused.
pub const GROUP_APPENDS_AGAIN: Duration = Duration::from_millis(10);
/// By how many requests another core must lead before a connection moves there, and what a request about any other core
/// takes off that lead: three requests in four must be about the new core.
pub const HAND_OVER_LEAD: u32 = 16;
/// See [`HAND_OVER_LEAD`].
pub const HAND_OVER_SETBACK: u32 = 3;
/// A connection moves once in so long at most.
pub const HAND_OVER_REST: Duration = Duration::from_secs(5);
/// Connections of one core.
pub const CONNECTIONS_PER_CORE: usize = 100_000;
/// Responses sent in one go at most, in bytes: beyond it what is there is sent first.
pub const SEND_AT_ONCE: usize = 4 * MIB;

/// One send holds at most this much, so that a slow reader is told from a stalled one.
pub const SEND_PIECE: usize = MIB;
/// How often a core looks for stalled and idle connections.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// What is answered to a peer that has ended its sending side is answered within this.
pub const DRAIN_AFTER_END: Duration = Duration::from_secs(2);
/// A connection whose peer takes none of what it asked for is closed after this.
pub const STALLED_READER: Duration = Duration::from_secs(30);
/// A connection without a request is closed after this (Kafka's `connections.max.idle.ms`).
pub const IDLE_CONNECTION: Duration = Duration::from_secs(600);

/// The part of a core's connection memory that requests may hold which are not there in full: one in this many.
pub const PARTIAL_SHARE: usize = 2;
/// Where memory is short, a connection is closed that takes longer than this to send a request.
pub const STALLED_SENDER: Duration = Duration::from_secs(10);
/// The part of a core's free connection memory that one response with log data may take: one in this many.
pub const FETCH_SHARE: usize = 4;
/// What such a response may carry however little memory is left.
pub const FETCH_SHARE_MIN: usize = 64 * KIB;
/// The parts of a core's memory: connections have one in this many, groups with their offsets one in this many, and logs
/// the rest but for what they remember of producers (storage's own limits).
pub const CONNECTIONS_SHARE: usize = 4;
/// See [`CONNECTIONS_SHARE`].
pub const GROUPS_SHARE: usize = 16;

/// A fetch that waits may be answered before its `max_wait` is over, by one part of it in this many.
pub const FETCH_IMPATIENCE: u32 = 8;
/// Bytes that one fetch returns at most, whatever it asks for (Kafka's `fetch.max.bytes`).
pub const FETCH_MAX_BYTES: usize = 55 * MIB;
/// What a partition of a fetch session costs on all cores, besides its topic's name, in bytes.
pub const FETCH_SESSION_PARTITION: usize = 640;
/// Partitions that one request may name.
pub const PARTITIONS_PER_REQUEST: usize = 100_000;

/// The least time a produce request waits for this node's own disk, whatever it asks for: Kafka's own write takes none of
/// a request's time.
pub const PRODUCE_WAIT_MIN: Duration = Duration::from_secs(1);

/// How often a core tells the others what clients with quotas used.
pub const QUOTA_REPORT: Duration = Duration::from_millis(100);
/// It tells them at once when all cores together may have used one part in so many of what a window allows, untold.
pub const QUOTA_UNTOLD: usize = 16;
/// How often meters of quotas that count nothing any more are forgotten.
pub const QUOTA_SWEEP: Duration = Duration::from_secs(10);
/// Meters of each kind that one core keeps for clients whom a default quota is for.
pub const QUOTA_METERS: usize = 4096;
/// Bytes of a name by which meters are told apart.
pub const QUOTA_NAME: usize = 256;
/// Samples of one meter; of more, several are taken together.
pub const QUOTA_SAMPLES: u64 = 64;
/// The longest sample.
pub const QUOTA_SAMPLE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest that a client is told to wait: what a response can say.
pub const QUOTA_WAIT: Duration = Duration::from_millis(i32::MAX as u64);
/// Addresses whose new connections a node counts for their quotas.
pub const QUOTA_ADDRESSES: usize = 16_384;
/// Connections that came too soon, and wait to be closed, of one core.
pub const LATE_CONNECTIONS: usize = 1000;

/// How often a core posts its figures.
pub const METRICS_INTERVAL: Duration = Duration::from_secs(1);
/// How often it does while its groups are loaded: readiness waits for that.
pub const METRICS_INTERVAL_LOADING: Duration = Duration::from_millis(100);
/// A core that posted nothing for so long has come to a halt.
pub const METRICS_SILENCE: Duration = Duration::from_secs(10);

/// The size of a segment of the cluster's metadata log: what a snapshot makes superfluous goes segment by segment.
pub const METADATA_SEGMENT: u32 = MIB as u32;

/// How long a partition that cannot move to another data directory just now is left alone.
pub const MOVE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long a move that is slowed down goes without looking whether it is still wanted.
pub const MOVE_LOOKS_UP: Duration = Duration::from_millis(50);

/// Partitions that go from one core to another together, at most.
pub const TRANSFERS_TOGETHER: usize = 32;
/// How often a core tells what it did, and core 0 looks whether partitions had better be elsewhere.
pub const LOAD_REPORT: Duration = Duration::from_millis(200);
/// How often it is looked whether a partition has come that is to go on, or is where somebody asked for it to be.
pub const TRANSFER_LOOKS_UP: Duration = Duration::from_millis(1);

/// How long what comes in waits while the journal or memory has no room for it, before it is refused. Shorter than
/// clients wait for an answer unless told otherwise.
pub const ROOM_WAITED_FOR: Duration = Duration::from_secs(5);
/// How often a partition that has such looks whether there is room.
pub const ROOM_LOOKS_UP: Duration = Duration::from_millis(2);

/// Connections for metrics and health at a time; the next one takes the place of the oldest.
pub const HTTP_CONNECTIONS: usize = 32;
/// How long such a connection may take from its first to its last byte.
pub const HTTP_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a request for metrics or health.
pub const HTTP_REQUEST: usize = 8 * KIB;
/// Headers that it may have.
pub const HTTP_HEADERS: usize = 64;

/// Least interval between two log lines about the same kind of bad input.
pub const COMPLAINT_INTERVAL: Duration = Duration::from_secs(10);

const _: () = assert!(QUOTA_REPORT.as_millis() < 1000, "less than the shortest sample");
const _: () = assert!(SEND_PIECE <= SEND_AT_ONCE);
const _: () = assert!(METRICS_INTERVAL_LOADING.as_millis() < METRICS_INTERVAL.as_millis());
const _: () = assert!(METRICS_INTERVAL.as_millis() * 5 < METRICS_SILENCE.as_millis(), "a busy core is not a dead one");
const _: () = assert!(FETCH_SHARE_MIN < SEND_PIECE);
const _: () = assert!(WATCH_INTERVAL.as_millis() < DRAIN_AFTER_END.as_millis());
const _: () = assert!(DRAIN_AFTER_END.as_millis() < STALLED_READER.as_millis());
const _: () = assert!(FRAME_MIN < FRAME_LARGE);
const _: () = assert!(FRAME_LARGE < FRAME_BUFFER_MIN);
const _: () = assert!(FRAME_MAX_FIRST <= FRAME_MAX_WITHOUT_RECORDS);
const _: () = assert!(FRAME_MAX_WITHOUT_RECORDS <= FRAME_MAX);
const _: () = assert!(FRAME_MAX < i32::MAX as usize);
const _: () = assert!(FRAME_MAX < IN_FLIGHT_BYTES_PER_CONNECTION, "the largest frame must fit");
