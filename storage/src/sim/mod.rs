//! A simulated world: any number of hosts, each with cores, a disk and power that can fail, in one thread from one seed.
//!
//! [`World`] is the executor and the clock; [`SimEnv`] is what code under test sees of it, the same [`crate::env::Env`]
//! that it sees in production. Everything that happens is drawn from the seed and mixed into a trace hash: two runs of
//! one seed give one hash, or something under test depends on what it must not (an address, a hash order, a real clock).
//!
//! What the simulated disk promises is what a disk promises, no more:
//! - a durable write makes its own bytes durable, and nobody else's; a sync covers what was written before it began;
//! - at a power cut, what was not durable is kept, lost, or torn by 512-byte sectors, and a block being written may
//!   become unreadable until it is written again;
//! - a created, renamed or removed entry is durable after a sync of its directory, not of the file;
//! - after a failed sync nothing it covered will ever become durable.
//!
//! Others build on it: a simulated network spawns its deliveries with [`World::spawn`], sleeps with [`World::sleep_until`],
//! draws from [`World::rng`], and counts what it injects with [`World::count`].

mod disk;
mod env;
mod faults;
mod inode;
mod rng;
mod world;

pub use self::{
    env::{SimEnv, SimFile},
    faults::{Counters, Faults},
    rng::Rng,
    world::{HostId, Place, World},
};

/// The unit in which a torn write tears, in bytes.
pub const SECTOR: usize = 512;

#[cfg(test)]
mod tests;
