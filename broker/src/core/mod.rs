//! What a core is: its environment, its ring, its mailboxes to other cores.

mod bell;
mod buffer_group;
mod clock;
pub mod data_dir;
mod disk_cpus;
pub mod env;
mod gather;
mod helper;
pub mod http_thread;
mod kernel;
pub mod launch;
mod limits_of_process;
pub mod mailbox;
pub mod net_contract;
mod node;
pub mod process_figures;
mod pump;
mod receiver;
pub mod requirements;
mod ring;
mod ring_env;
mod ring_file;
mod ring_net;
mod shared_listener;
mod socket_address;
pub mod stop;
pub mod supervisor;
mod tasks;
mod timers;

pub use kernel::Kernel;
pub use ring::RingCounts;
pub use ring_env::RingEnv;
pub use ring_file::RingFile;
pub use ring_net::{RingConn, RingListener};
