//! Consumer groups: the classic group protocol and committed offsets.
//!
//! [`call`] says what may be asked. [`coordinator_machine`] is the coordinator of all groups that one partition of
//! `__consumer_offsets` keeps, a pure machine; the phases of the protocol are [`join_machine`] and [`sync_machine`],
//! offsets and the end of groups [`offsets_machine`]. A group's working state is [`state`], what may be shown is
//! [`committed`]. [`record`] says what is written. [`driver`] runs a coordinator on its core; [`desk`] is what the
//! handlers of requests see of all of them, [`core_desk`] how a core provides it; [`linger`] lets offsets share writes.

pub mod call;
mod committed;
pub mod config;
pub mod coordinator_machine;
pub mod core_desk;
pub mod desk;
pub mod driver;
pub mod error;
mod join_machine;
mod linger;
mod linger_machine;
pub mod memory;
pub mod mutant;
pub mod names;
mod offsets_machine;
pub mod record;
mod record_codec;
pub mod state;
mod subscription;
mod sync_machine;
mod timers;
pub mod turn;
