//! The Corelog broker: one executor per core, each a broker of its own.
//!
//! **A produce request**, file by file:
//! 1. `net/listener.rs` accepts the connection; `net/driver.rs` reads it, `net/connection_machine.rs` cuts frames.
//! 2. `api/mod.rs` finds the handler; `api/produce.rs` names each batch's partition and begins the request.
//! 3. `router/produce.rs` appends what this core owns, and sends the rest to its owners, through `core/mailbox.rs`.
//! 4. `partition/append.rs` checks the batch and appends it to the partition's log, in the storage crate.
//! 5. The log's group commit makes it durable; `partition/mod.rs` moves the high watermark.
//! 6. `router/produce.rs` has every acknowledgement; `api/produce.rs` writes the response; `net/driver.rs` sends it in
//!    its turn.
//!
//! A partition on its way from one core to another has what comes in wait: `transfer/mod.rs`.
//! A client's quotas are met in `api/`, by `quota/core_quotas.rs`; `net/driver.rs` holds its connection up.
//!
//! **A fetch request**:
//! 1. As above, to `api/fetch.rs`, which resolves its partitions.
//! 2. `router/fetch/mod.rs` tells every owner what changed since the session's last fetch, and waits until there is
//!    enough.
//! 3. `partition/watch.rs` is a share at its owner: says how much there is of what stirred, parks, reads
//!    (`partition/read.rs`).
//! 4. `partition/mod.rs` moves the high watermark and stirs the watches of that partition (`partition/watchers.rs`);
//!    another core's fetch is told by a note.
//! 5. `router/fetch/mod.rs` deals out the bytes in the request's order; `api/fetch.rs` writes a chain of buffers that share
//!    memory with the log's tail; `net/driver.rs` sends it in its turn.

pub mod api;
pub mod cli;
pub mod config;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the environment")]
pub mod core;
pub mod core_state;
pub mod directories;
pub mod error;
pub mod group;
pub mod limits;
pub mod loggers;
pub mod metadata;
pub mod metrics;
pub mod net;
pub mod partition;
pub mod placement;
pub mod producer_ids;
pub mod quota;
pub mod router;
pub mod serve;
pub mod sim;
pub(crate) mod slot;
pub mod timeout;
pub mod transfer;
