//! Sockets: listeners, connections, and the cutting of bytes into requests.

pub mod admission;
pub mod budget;
pub mod complaints;
pub mod connection_machine;
pub mod connections;
pub mod driver;
pub mod listener;
pub mod traffic;
