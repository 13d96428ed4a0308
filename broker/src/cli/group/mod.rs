//! Consumer groups from the client's side: being a member of one, looking at them, moving and deleting them.

pub(super) mod assignor;
pub(super) mod consume;
mod delete;
mod describe;
mod member;
mod offsets;
mod reset;

use clap::Subcommand;
use corelog_wire::messages::{ListGroupsRequest, list_groups::ListedGroup};

use super::{
    Ask,
    cluster::Cluster,
    failure::{Failure, check},
    output::Output,
    table::Table,
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
    /// Deletes groups without members, and all they have committed.
    Delete {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Moves a group without members to other offsets; only shows them unless told to apply.
    ResetOffsets(reset::Reset),
}

impl Group {
    pub(super) fn run(self, ask: &Ask) -> Result<(), Failure> {
        let mut cluster = Cluster::through(&ask.broker)?;
        let output = ask.output();
        match self {
            Self::List => list(&mut cluster, output),
            Self::Describe { name } => describe::run(&mut cluster, &name, output),
            Self::Delete { names } => delete::run(&mut cluster, &names, output),
            Self::ResetOffsets(reset) => reset.run(&mut cluster, output),
        }
    }
}

/// Each broker knows the groups that it coordinates.
fn list(cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
    let mut groups: Vec<ListedGroup> = Vec::new();
    for broker in cluster.metadata(Some(&[]), false)?.brokers {
        let answer = cluster.at(&format!("{}:{}", broker.host, broker.port))?.call(4, &ListGroupsRequest::default())?;
        check(answer.error_code, None).map_err(|failure| failure.about(format!("broker {}", broker.node_id)))?;
        groups.extend(answer.groups);
    }
    groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    let mut table = Table::new(["GROUP", "STATE", "PROTOCOL"]);
    for group in groups {
        table.push([group.group_id.into(), group.group_state.into(), group.protocol_type.into()]);
    }
    output.table(&table);
    Ok(())
}
