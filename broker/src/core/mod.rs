//! What a core is: its environment, its ring, its mailboxes to other cores.

pub mod env;
pub mod mailbox;
