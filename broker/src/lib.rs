//! The Corelog broker: one executor per core, each a broker of its own.

pub mod api;
pub mod cli;
pub mod config;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the environment")]
pub mod core;
pub mod core_state;
pub mod error;
pub mod group;
pub mod limits;
pub mod metadata;
pub mod net;
pub mod partition;
pub mod placement;
pub mod producer_ids;
pub mod router;
pub mod serve;
pub mod sim;
pub mod timeout;
