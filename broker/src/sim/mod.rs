//! Many nodes, each with several cores and a network between them, in one thread from one seed.
//!
//! Built on storage's simulated world: its executor, clock, disks and power switch. Here come the network ([`Network`])
//! and the cores of a node with their bells, so that mailboxes, listeners and connections run as in production.

mod net_env;
mod network;
mod stream;

pub use net_env::{SimListener, SimNetEnv};
pub use network::{NetFaults, Network};
pub use stream::SimConn;
