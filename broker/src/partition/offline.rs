//! Partitions of the node that nobody leads, since they cannot be served: a start found their logs damaged, or the data
//! directory that they are in is offline.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use corelog_storage::{error::StorageError, ids::LogId};

use crate::metadata::{
    ids::{DirectoryId, NodeId},
    record::PartitionState,
};

/// Logs of a node that cannot be served, and why, as its start found them. The same on all its cores.
pub type OfflineLogs = BTreeMap<LogId, StorageError>;

/// What of a node is offline, as one core knows it.
pub struct Offline {
    node: NodeId,
    logs: Arc<OfflineLogs>,
    /// The node's data directories, and why they are offline, if they are.
    directories: RefCell<BTreeMap<DirectoryId, Option<StorageError>>>,
}

impl Offline {
    /// These logs and directories of `node`.
    pub fn new(
        node: NodeId,
        logs: Arc<OfflineLogs>,
        directories: impl IntoIterator<Item = (DirectoryId, Option<StorageError>)>,
    ) -> Self {
        Self { node, logs, directories: RefCell::new(directories.into_iter().collect()) }
    }

    /// Why the node cannot serve its copy of a partition, if that is so.
    pub fn why(&self, log: LogId, state: &PartitionState) -> Option<StorageError> {
        let directory = state.directory_on(self.node)?;
        let damaged = || self.logs.get(&log).cloned();
        match self.directories.borrow().get(&directory) {
            Some(failure) => failure.clone().or_else(damaged),
            None => Some(StorageError::DirectoryOffline(format!("{directory} is none of log.dirs").into())),
        }
    }

    /// Why a directory is offline, if it is.
    pub fn directory(&self, id: DirectoryId) -> Option<StorageError> {
        self.directories.borrow().get(&id).cloned().flatten()
    }

    /// Takes a directory offline; false if it is already.
    pub fn fail(&self, id: DirectoryId, error: StorageError) -> bool {
        match self.directories.borrow_mut().get_mut(&id) {
            Some(failure @ None) => {
                *failure = Some(error);
                true
            }
            _ => false,
        }
    }
}
