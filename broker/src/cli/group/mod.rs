//! Consumer groups from the client's side: being a member of one, and looking at them.

pub(super) mod assignor;
pub(super) mod consume;
mod describe;
mod member;
mod offsets;

use clap::Subcommand;
use corelog_wire::messages::{ListGroupsRequest, list_groups::ListedGroup};

use super::{
    cluster::Cluster,
    failure::{Failure, check},
};

/// A partition of a topic.
pub(super) type Place = (String, i32);

#[derive(Subcommand)]
pub(super) enum Group {
    /// Lists groups.
    List,
    /// Shows a group's state, its members, and how far it has come.
    Describe {
        /// Its name.
        name: String,
    },
}

impl Group {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let mut cluster = Cluster::through(broker)?;
        match self {
            Self::List => list(&mut cluster),
            Self::Describe { name } => describe::run(&mut cluster, &name),
        }
    }
}

/// Each broker knows the groups that it coordinates.
fn list(cluster: &mut Cluster) -> Result<(), Failure> {
    let mut groups: Vec<ListedGroup> = Vec::new();
    for broker in cluster.metadata(Some(&[]), false)?.brokers {
        let answer = cluster.at(&format!("{}:{}", broker.host, broker.port))?.call(4, &ListGroupsRequest::default())?;
        check(answer.error_code, None).map_err(|failure| failure.about(format!("broker {}", broker.node_id)))?;
        groups.extend(answer.groups);
    }
    groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    let rows = groups.into_iter().map(|group| [group.group_id, group.group_state, group.protocol_type]);
    super::table::print(["GROUP", "STATE", "PROTOCOL"], rows.collect());
    Ok(())
}
