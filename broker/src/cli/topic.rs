//! `corelog topic create|list|describe|alter|delete`.

use clap::{Args, Subcommand};
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
        create_partitions::CreatePartitionsTopic,
        create_topics::{CreatableTopic, CreatableTopicConfig},
        delete_topics::DeleteTopicState,
    },
};
use serde_json::json;

use super::{
    Ask,
    cluster::{Cluster, no_such_topic},
    config::{self, Change, Resource},
    failure::{Failure, check},
    output::Output,
    table::{Cell, Table},
};

/// How long the broker may take to create or delete.
const TIMEOUT_MS: i32 = 30_000;

#[derive(Subcommand)]
pub(super) enum Topic {
    /// Creates a topic.
    Create(Create),
    /// Lists topics.
    List,
    /// Shows a topic's partitions, and what is configured for it alone.
    Describe {
        /// Its name.
        name: String,
    },
    /// Gives a topic more partitions, or another configuration.
    Alter(Alter),
    /// Deletes topics and all their records.
    Delete {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// Its name.
    name: String,
    /// How many partitions [default: the broker's].
    #[arg(long, value_name = "N", default_value_t = -1, hide_default_value = true)]
    partitions: i32,
    /// A configuration of its own, such as retention.ms=60000; may be given again.
    #[arg(long, value_name = "KEY=VALUE", value_parser = config::pair)]
    config: Vec<(String, String)>,
    /// Is content if the topic exists already.
    #[arg(long)]
    if_not_exists: bool,
}

#[derive(Args)]
pub(super) struct Alter {
    /// Its name.
    name: String,
    /// How many partitions it has from now on; more than before.
    #[arg(long, value_name = "N")]
    partitions: Option<i32>,
    /// A configuration of its own, such as retention.ms=60000; may be given again.
    #[arg(long, value_name = "KEY=VALUE", value_parser = config::pair)]
    config: Vec<(String, String)>,
    /// A configuration that is the broker's again; may be given again.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
}

impl Topic {
    pub(super) fn run(self, ask: &Ask) -> Result<(), Failure> {
        let mut cluster = Cluster::through(&ask.broker)?;
        let output = ask.output();
        match self {
            Self::Create(create) => create.run(&mut cluster, output),
            Self::List => list(&mut cluster, output),
            Self::Describe { name } => describe(&mut cluster, &name, output),
            Self::Alter(alter) => alter.run(&mut cluster, output),
            Self::Delete { names } => delete(&mut cluster, &names, output),
        }
    }
}

impl Create {
    fn run(self, cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
        let config = |(name, value)| CreatableTopicConfig { name, value: Some(value) };
        let topic = CreatableTopic {
            name: self.name,
            num_partitions: self.partitions,
            replication_factor: -1,
            configs: self.config.into_iter().map(config).collect(),
            ..CreatableTopic::default()
        };
        let request =
            CreateTopicsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, ..CreateTopicsRequest::default() };
        for topic in cluster.any()?.call(7, &request)?.topics {
            let outcome = check(topic.error_code, topic.error_message.as_deref());
            let exists = outcome.as_ref().is_err_and(|told| told.code() == Some(ErrorCode::TopicAlreadyExists));
            if exists && self.if_not_exists {
                output.done(&format!("{} exists", topic.name), json!({ "topic": topic.name, "created": false }));
                continue;
            }
            outcome.map_err(|failure| failure.about(&topic.name))?;
            let (name, id) = (&topic.name, topic.topic_id.to_string());
            let told = format!("created {name} with {} partition(s), id {id}", topic.num_partitions);
            let facts = json!({ "topic": name, "created": true, "id": id, "partitions": topic.num_partitions });
            output.done(&told, facts);
        }
        Ok(())
    }
}

impl Alter {
    fn run(self, cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
        let changes = config::changes(&self.config, &self.unset);
        if self.partitions.is_none() && changes.is_empty() {
            return Err("nothing to alter: give --partitions, --config or --unset".into());
        }
        if let Some(count) = self.partitions {
            let topic = CreatePartitionsTopic { name: self.name.clone(), count, assignments: None };
            let request = CreatePartitionsRequest {
                topics: vec![topic],
                timeout_ms: TIMEOUT_MS,
                ..CreatePartitionsRequest::default()
            };
            for told in cluster.any()?.call(3, &request)?.results {
                let outcome = check(told.error_code, told.error_message.as_deref());
                outcome.map_err(|failure| no_such_topic(failure, &self.name))?;
            }
        }
        if !changes.is_empty() {
            config::alter(cluster, &Resource::topic(&self.name), &changes)?;
        }
        let set = changes.iter().map(|change| match change {
            Change::Set(key, value) => (key.clone(), json!(value)),
            Change::Unset(key) => (key.clone(), serde_json::Value::Null),
        });
        let configs: serde_json::Map<_, _> = set.collect();
        let facts = json!({ "topic": self.name, "partitions": self.partitions, "configs": configs });
        output.done(&format!("altered {}", self.name), facts);
        Ok(())
    }
}

fn list(cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
    let mut topics = cluster.metadata(None, false)?.topics;
    topics.sort_by(|one, other| one.name.cmp(&other.name));
    let mut table = Table::new(["TOPIC", "PARTITIONS", "KIND"]);
    for topic in topics {
        let kind = if topic.is_internal { "internal" } else { "-" };
        table.push([topic.name.unwrap_or_default().into(), topic.partitions.len().into(), kind.into()]);
    }
    output.table(&table);
    Ok(())
}

fn describe(cluster: &mut Cluster, name: &str, output: Output) -> Result<(), Failure> {
    let topics = cluster.metadata(Some(&[name]), false)?.topics;
    for topic in topics {
        check(topic.error_code, None).map_err(|failure| no_such_topic(failure, name))?;
        let leaders = cluster.leaders(name, false)?;
        let (id, count) = (topic.topic_id.to_string(), topic.partitions.len());
        let mut parts = output.parts();
        let facts = [("topic", json!(name)), ("id", json!(id)), ("partition_count", json!(count))];
        parts.line(&format!("{name}  id {id}  partitions {count}"), facts);
        let mut table = Table::new(["PARTITION", "LEADER", "EPOCH", "REPLICAS", "IN SYNC", "START", "END"]);
        for partition in topic.partitions {
            let index = partition.partition_index;
            let (start, end) = match leaders.get(&index) {
                Some(leader) => {
                    let leader = cluster.at(leader)?;
                    (Some(leader.offset(name, index, -2)?), Some(leader.offset(name, index, -1)?))
                }
                None => (None, None),
            };
            table.push([
                index.into(),
                Some(partition.leader_id).filter(|leader| *leader >= 0).into(),
                partition.leader_epoch.into(),
                ids(&partition.replica_nodes),
                ids(&partition.isr_nodes),
                start.into(),
                end.into(),
            ]);
        }
        parts.table("partitions", &table, false);
        let mut own = Table::new(["CONFIGURED", "VALUE"]);
        for row in config::describe(cluster, &Resource::topic(name), &[])?.into_iter().filter(|row| row.is_own()) {
            own.push([row.name.into(), row.value.into()]);
        }
        parts.table("configs", &own, true);
        parts.show();
    }
    Ok(())
}

fn ids(brokers: &[i32]) -> Cell {
    brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into()
}

fn delete(cluster: &mut Cluster, names: &[String], output: Output) -> Result<(), Failure> {
    let state = |name: &String| DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() };
    let request =
        DeleteTopicsRequest { topics: names.iter().map(state).collect(), timeout_ms: TIMEOUT_MS, ..Default::default() };
    let mut outcome = Ok(());
    for topic in cluster.any()?.call(6, &request)?.responses {
        let name = topic.name.unwrap_or_default();
        match check(topic.error_code, topic.error_message.as_deref()) {
            Ok(()) => output.done(&format!("deleted {name}"), json!({ "topic": name, "deleted": true })),
            // The others are deleted all the same; the first that is not is told.
            Err(failure) => outcome = outcome.and(Err(failure.about(name))),
        }
    }
    outcome
}
