//! The topic that a case writes to on one broker: made for the case, or for each of its slices; deleted afterwards.

use crate::client::{self, Connection};
use crate::error::Result;
use crate::workload::Case;

/// A topic, and where each of its partitions ended before the slice.
#[derive(Default)]
pub(crate) struct Topic {
    name: Option<String>,
    /// The address of the broker that leads it.
    broker: String,
    starts: Vec<i64>,
}

impl Topic {
    /// Makes it, unless it is there from the slice before.
    pub(crate) fn prepare(&mut self, broker: &str, case: &Case) -> Result<()> {
        if self.name.is_none() {
            let name = client::topic_name("slice");
            self.broker = Connection::open(broker)?.create_configured(&name, case.partitions, &case.configs)?;
            self.starts = vec![0; case.partitions as usize];
            self.name = Some(name);
        }
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Where clients of the topic connect: a broker of several, or of a core each, is asked who leads it.
    pub(crate) fn broker(&self) -> &str {
        &self.broker
    }

    pub(crate) fn starts(&self) -> &[i64] {
        &self.starts
    }

    pub(crate) fn advance(&mut self, ends: Vec<i64>) {
        self.starts = ends;
    }

    /// Deletes it, if there is one.
    pub(crate) fn delete(&mut self, broker: &str) -> Result<()> {
        match self.name.take() {
            Some(name) => Connection::open(broker)?.delete_topic(&name),
            None => Ok(()),
        }
    }
}
