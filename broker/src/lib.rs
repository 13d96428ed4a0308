//! The Corelog broker: one executor per core, each a broker of its own.

pub mod config;
pub mod core;
pub mod group;
pub mod metadata;
pub mod placement;
pub mod sim;
