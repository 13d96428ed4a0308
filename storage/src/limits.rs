//! Every bound of this crate in one place, with what they mean to each other.

use std::time::Duration;

use crate::env::BLOCK;

/// The longest record batch a log takes, headers included. Kafka's `max.message.bytes` may be anything below.
pub const MAX_BATCH: usize = 64 << 20;

/// A batch of at least this size is written to its segment at once, and only its header to the journal.
pub const BYPASS_BATCH: usize = 128 << 10;

/// So is one of at least this size while the journal is behind. While it keeps up, it is the cheaper way: one durable
/// write for all that gathered, where a segment takes a write and a sync by a kernel worker each (64 KiB batches: 0.6 to
/// 0.7x the CPU per GB).
pub const BYPASS_BEHIND: usize = 48 << 10;

/// Unwritten bytes of a log after which its complete blocks go to its segment in the background: each such write is
/// followed by a sync, which takes a kernel worker (1 MiB: 1.27x the CPU per GB).
pub const LAZY_WRITE: u32 = 4 << 20;

/// The smallest and the largest chunk of a log's tail. The next is four times the one before while a log is busy.
pub const MIN_CHUNK: usize = BLOCK;
/// See [`MIN_CHUNK`].
pub const MAX_CHUNK: usize = 1 << 20;

/// Bytes of a chunk between two marks: how far a read at the tail walks batch headers at most.
pub const MARK_INTERVAL: u32 = 4 << 10;

/// Bytes of a segment between two entries of its index: how far a read from disk walks batch headers at most, if no
/// batch is longer.
pub const INDEX_INTERVAL: u32 = 32 << 10;

/// Bytes one disk read of a fetch asks for at most (unless a single batch is longer).
pub const READ_AT_ONCE: usize = 1 << 20;

/// Segment files a shard keeps open.
pub const OPEN_FILES: usize = 192;

/// Segment indexes a shard keeps in memory, beside those of active segments.
pub const OPEN_INDEXES: usize = 64;

/// Batches remembered per producer id: as many as Kafka's clients have in flight.
pub const BATCHES_PER_PRODUCER: usize = 5;

/// Producer ids remembered per log; past it the one that was silent for longest is forgotten.
pub const PRODUCERS_PER_LOG: usize = 10_000;

/// Producer ids that a log remembers however many other logs do.
pub const PRODUCERS_KEPT: usize = 16;

/// What a remembered producer takes of memory, in bytes, and the part of the tail cache's bound (one in this many) that
/// all producers of a shard may take beside it.
pub const PRODUCER_BYTES: usize = 500;
/// See [`PRODUCER_BYTES`].
pub const PRODUCERS_SHARE: usize = 8;

/// A segment write of at least this size has its file's blocks reserved ahead: a log of small writes stays small.
pub const RESERVE_FOR: u32 = 32 << 10;

/// How far ahead blocks of a segment are reserved at most.
pub const RESERVE_AHEAD: u32 = 32 << 20;

/// Bytes that a copy of a log to another data directory takes at once.
pub const COPY_PIECE: u32 = 1 << 20;

/// Bytes of a log that go to another shard with its manifest, at most; more is written to its segments first: who
/// holds a partition for less waits for less.
pub const CARRIED: u64 = 64 << 10;

/// How much of a file is removed at once, and how long the disk rests between. One that is told of free blocks (the mount
/// option `discard`) does little else until it has taken them in: while files of 256 MiB were removed whole, records
/// took up to 32 to 49 ms, and 2 to 4 in such pieces.
pub const REMOVE_PIECE: u64 = 8 << 20;
/// See [`REMOVE_PIECE`].
pub const REMOVE_REST: Duration = Duration::from_millis(2);

/// Segment writes of different logs at one time.
pub const FLUSHES_AT_ONCE: usize = 16;

/// Bytes written to segments after which a checkpoint is made even if the journal has room: recovery reads bypassed
/// batches again that came after the checkpoint.
pub const CHECKPOINT_AFTER: u64 = 256 << 20;

/// The serialised size at which a checkpoint's chunk is closed; one log's part never exceeds it by more than this.
pub const CHECKPOINT_CHUNK: usize = 256 << 10;

/// Blocks set aside for a shard's next checkpoint, at least; twice what the last one took, if that is more.
pub const CHECKPOINT_RESERVE: u64 = 256 << 10;

/// The smallest and largest segment (`segment.bytes`). Positions within a segment are 32 bits wide.
pub const MIN_SEGMENT: u32 = 4 * BLOCK as u32;
/// See [`MIN_SEGMENT`].
pub const MAX_SEGMENT: u32 = i32::MAX as u32;

/// Refused records of one batch that are named; the client takes the others for refused with them.
pub const REFUSED_RECORDS: usize = 1000;

/// Named refused records of a batch of any size: beyond it, one for each record that its bytes could be uncompressed, so
/// that a little compressed data does not ask for much memory.
pub const REFUSED_RECORDS_MIN: usize = 16;

/// What decompressing one batch to look at its records may take.
pub const MAX_DECOMPRESSED: usize = 256 << 20;

/// The size of a shard's journal on disk, all files together.
pub const JOURNAL_SIZE: u64 = 256 << 20;

/// The size of one journal file: the unit in which its space is made and reused.
pub const JOURNAL_FILE: u64 = 16 << 20;

/// A batch of at least this size is written to the journal from the tail's memory. A smaller one is copied: what brings it
/// to its place within a block takes up to a block of the journal.
pub const JOURNAL_LENDS: usize = 32 << 10;

/// One part in so many of a journal takes no client's records: see `Context::lacks_journal`.
pub const JOURNAL_KEPT: u64 = 16;

/// How many bytes of records a journal frame holds, unless a single one is longer.
pub const JOURNAL_FRAME: usize = 256 << 10;

/// The longest payload of one journal record.
pub const JOURNAL_PAYLOAD: usize = 512 << 10;

/// Journal frames being written at one time.
pub const JOURNAL_IN_FLIGHT: usize = 4;

/// While a frame is being written, the next one waits until it holds as much, or until nothing is in flight: small
/// appends gather, large ones overlap.
pub const JOURNAL_EAGER: usize = 32 << 10;

/// So many whole frames wait when a journal is behind.
pub const JOURNAL_BEHIND: usize = 8;

/// The longest that a frame waits for more records after a commit.
pub const JOURNAL_HOLD: Duration = Duration::from_micros(400);

/// Bytes of journal between two positions at which a replay may start.
pub const JOURNAL_INDEX_INTERVAL: u64 = 256 << 10;

/// What one read of a replay asks for, unless a frame is longer.
pub const JOURNAL_READ: usize = 1 << 20;

/// Idle time after which a closing frame is written, in ms.
pub const JOURNAL_IDLE_MS: u64 = 10;

/// A step of the wall clock forward that retention follows at once: of time servers, and of machines that were busy.
pub const CLOCK_STEP: Duration = Duration::from_secs(60);

/// How long a greater step must last until retention follows it: a wrong clock is noticed within a day.
pub const CLOCK_BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// Names of logs in the order of their memory after which those are dropped that stand for nothing any more.
pub const CACHE_ORDER_SWEPT: usize = 1024;

/// How often a read of the journal at start-up is tried before a block counts as unreadable.
pub const JOURNAL_READ_TRIES: u32 = 5;

const _: () = {
    assert!(MIN_CHUNK.is_multiple_of(BLOCK) && MAX_CHUNK.is_multiple_of(MIN_CHUNK));
    assert!(BYPASS_BEHIND <= BYPASS_BATCH && BYPASS_BATCH <= JOURNAL_PAYLOAD);
    assert!(BYPASS_BATCH <= MAX_CHUNK, "a bypassed batch spans few chunks");
    assert!(MARK_INTERVAL <= INDEX_INTERVAL, "an index entry is found among the marks");
    assert!(MAX_SEGMENT as u64 + MAX_BATCH as u64 + BLOCK as u64 <= u32::MAX as u64, "positions fit 32 bits");
    assert!(READ_AT_ONCE.is_multiple_of(BLOCK) && (COPY_PIECE as usize).is_multiple_of(BLOCK));
    assert!(JOURNAL_FILE.is_multiple_of(BLOCK as u64) && JOURNAL_SIZE.is_multiple_of(JOURNAL_FILE));
    assert!(4 * JOURNAL_PAYLOAD as u64 <= JOURNAL_FILE, "a frame fits a file");
    assert!(JOURNAL_FRAME.is_multiple_of(BLOCK) && JOURNAL_EAGER <= JOURNAL_FRAME);
};
