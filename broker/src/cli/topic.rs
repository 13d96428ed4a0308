//! `corelog topic create|list|describe|delete`.

use clap::{Args, Subcommand};
use corelog_wire::messages::{
    CreateTopicsRequest, DeleteTopicsRequest,
    create_topics::{CreatableTopic, CreatableTopicConfig},
    delete_topics::DeleteTopicState,
};

use super::{
    client::Client,
    cluster::{Cluster, no_such_topic},
    failure::{Failure, check},
};

#[derive(Subcommand)]
pub(super) enum Topic {
    /// Creates a topic.
    Create(Create),
    /// Lists topics.
    List,
    /// Shows a topic's partitions.
    Describe {
        /// Its name.
        name: String,
    },
    /// Deletes a topic and all its records.
    Delete {
        /// Its name.
        name: String,
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
    #[arg(long, value_name = "KEY=VALUE")]
    config: Vec<String>,
}

impl Topic {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let mut cluster = Cluster::through(broker)?;
        match self {
            Self::Create(create) => create.run(cluster.any()?),
            Self::List => list(&mut cluster),
            Self::Describe { name } => describe(&mut cluster, &name),
            Self::Delete { name } => delete(cluster.any()?, name),
        }
    }
}

impl Create {
    fn run(self, client: &mut Client) -> Result<(), Failure> {
        let config = |text: &String| {
            let (name, value) = text.split_once('=').ok_or_else(|| format!("--config {text}: not KEY=VALUE"))?;
            Ok(CreatableTopicConfig { name: name.to_owned(), value: Some(value.to_owned()) })
        };
        let configs = self.config.iter().map(config).collect::<Result<_, String>>()?;
        let topic = CreatableTopic {
            name: self.name,
            num_partitions: self.partitions,
            replication_factor: -1,
            configs,
            ..CreatableTopic::default()
        };
        let response =
            client.call(7, &CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() })?;
        for topic in response.topics {
            check(topic.error_code, topic.error_message.as_deref())?;
            println!("created {} with {} partition(s), id {}", topic.name, topic.num_partitions, topic.topic_id);
        }
        Ok(())
    }
}

fn list(cluster: &mut Cluster) -> Result<(), Failure> {
    let topics = cluster.metadata(None, false)?.topics;
    let names = topics.iter().map(|topic| topic.name.clone().unwrap_or_default());
    let width = names.clone().map(|name| name.len()).max().unwrap_or(0).max(5);
    println!("{:width$}  PARTITIONS", "TOPIC");
    for (name, topic) in names.zip(&topics) {
        println!("{name:width$}  {:>10}", topic.partitions.len());
    }
    Ok(())
}

fn describe(cluster: &mut Cluster, name: &str) -> Result<(), Failure> {
    let topics = cluster.metadata(Some(&[name]), false)?.topics;
    for topic in topics {
        check(topic.error_code, None).map_err(|failure| no_such_topic(failure, name))?;
        let leaders = cluster.leaders(name, false)?;
        println!("{name}  id {}  partitions {}", topic.topic_id, topic.partitions.len());
        println!("PARTITION  LEADER  EPOCH     START       END");
        for partition in topic.partitions {
            let index = partition.partition_index;
            let leader = leaders.get(&index).ok_or_else(|| format!("{name}-{index} has no leader"))?;
            let leader = cluster.at(leader)?;
            let (start, end) = (leader.offset(name, index, -2)?, leader.offset(name, index, -1)?);
            println!("{index:>9}  {:>6}  {:>5}  {start:>8}  {end:>8}", partition.leader_id, partition.leader_epoch);
        }
    }
    Ok(())
}

fn delete(client: &mut Client, name: String) -> Result<(), Failure> {
    let state = DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() };
    let request = DeleteTopicsRequest { topics: vec![state], timeout_ms: 30_000, ..DeleteTopicsRequest::default() };
    for topic in client.call(6, &request)?.responses {
        check(topic.error_code, topic.error_message.as_deref()).map_err(|failure| failure.about(&name))?;
        println!("deleted {name}");
    }
    Ok(())
}
