//! A log on a disk: record batches, a journal with group commit, lazily written segments, indexes, recovery, retention.
//!
//! Everything here lives on one core and reaches the world through [`env::Env`] alone. The simulated world is [`sim`].

#[doc(hidden)]
pub mod batch;
pub mod buffer;
mod checkpoint;
pub mod compress;
#[doc(hidden)]
pub mod contract;
pub mod directory;
pub mod env;
pub mod error;
mod framed;
pub mod ids;
pub mod journal;
pub mod limits;
pub mod log;
pub mod mutant;
pub mod recompress;
pub mod record;
pub mod shard;
pub mod sim;
mod validate;
