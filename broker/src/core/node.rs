//! What the cores of one node share: their bells and loads, the sockets they accept from together, the helper thread.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use crate::core::{
    bell::Bell, env::CoreId, gather::Loads, helper::Helper, kernel::Kernel, shared_listener::SharedListener,
};

/// Shared by all cores of a node, and nothing else is.
pub(super) struct Node {
    pub(super) kernel: Kernel,
    bells: Vec<Arc<Bell>>,
    pub(super) loads: Loads,
    /// By the address that was asked for.
    pub(super) listeners: Mutex<BTreeMap<SocketAddr, Arc<SharedListener>>>,
    pub(super) helper: Helper,
}

impl Node {
    pub(super) fn new(cores: u16, kernel: Kernel) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            kernel,
            bells: (0..cores).map(|_| Bell::new()).collect::<io::Result<_>>()?,
            loads: Loads::new(cores),
            listeners: Mutex::default(),
            helper: Helper::default(),
        }))
    }

    pub(super) fn cores(&self) -> u16 {
        self.bells.len() as u16
    }

    pub(super) fn bell(&self, core: CoreId) -> &Arc<Bell> {
        &self.bells[core.0 as usize]
    }
}
