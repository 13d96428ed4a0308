//! The brokers behind the one that was named: each request goes to whom it concerns, as every Kafka client sends it.

use std::collections::BTreeMap;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{MetadataRequest, MetadataResponse, metadata::MetadataRequestTopic},
};

use super::{
    client::Client,
    failure::{Failure, check},
};

pub(super) struct Cluster {
    bootstrap: String,
    links: BTreeMap<String, Client>,
}

impl Cluster {
    /// Through the broker at this address, which must answer.
    pub(super) fn through(broker: &str) -> Result<Self, Failure> {
        let mut cluster = Self { bootstrap: broker.to_owned(), links: BTreeMap::new() };
        cluster.any()?;
        Ok(cluster)
    }

    /// A connection to some broker.
    pub(super) fn any(&mut self) -> Result<&mut Client, Failure> {
        let address = self.bootstrap.clone();
        self.at(&address)
    }

    /// A connection to the broker at this address, made anew if it broke.
    pub(super) fn at(&mut self, address: &str) -> Result<&mut Client, Failure> {
        if self.links.get(address).is_none_or(|client| client.broken) {
            self.links.remove(address);
            self.links.insert(address.to_owned(), Client::connect(address)?);
        }
        Ok(self.links.get_mut(address).expect("made if there was none"))
    }

    /// A connection to the broker with this id.
    pub(super) fn broker(&mut self, id: i32) -> Result<&mut Client, Failure> {
        let brokers = self.metadata(Some(&[]), false)?.brokers;
        let address = match brokers.iter().find(|broker| broker.node_id == id) {
            Some(broker) => format!("{}:{}", broker.host, broker.port),
            None => {
                let ids: Vec<String> = brokers.iter().map(|broker| broker.node_id.to_string()).collect();
                return Err(format!("no broker {id}: there is {}", ids.join(", ")).into());
            }
        };
        self.at(&address)
    }

    /// Ends all connections, with the answers that are still to come on them.
    pub(super) fn hang_up(&mut self) {
        self.links.clear();
    }

    /// What is known of these topics, or of all.
    pub(super) fn metadata(&mut self, topics: Option<&[&str]>, create: bool) -> Result<MetadataResponse, Failure> {
        let named =
            |name: &&str| MetadataRequestTopic { name: Some((*name).to_owned()), ..MetadataRequestTopic::default() };
        let topics = topics.map(|names| names.iter().map(named).collect());
        let request = MetadataRequest { topics, allow_auto_topic_creation: create, ..MetadataRequest::default() };
        self.any()?.call(12, &request)
    }

    /// Who leads which partition of a topic: addresses by partition.
    pub(super) fn leaders(&mut self, topic: &str, create: bool) -> Result<BTreeMap<i32, String>, Failure> {
        let metadata = self.metadata(Some(&[topic]), create)?;
        for told in &metadata.topics {
            check(told.error_code, None).map_err(|failure| no_such_topic(failure, topic))?;
        }
        let address = |id| metadata.brokers.iter().find(|broker| broker.node_id == id);
        let partitions = metadata.topics.iter().flat_map(|topic| &topic.partitions);
        let led = partitions.filter_map(|partition| {
            let leader = address(partition.leader_id)?;
            Some((partition.partition_index, format!("{}:{}", leader.host, leader.port)))
        });
        Ok(led.collect())
    }

    /// A connection to the leader of a partition.
    pub(super) fn leader(&mut self, topic: &str, partition: i32, create: bool) -> Result<&mut Client, Failure> {
        let leaders = self.leaders(topic, create)?;
        let Some(address) = leaders.get(&partition) else {
            return Err(format!("{topic} has no partition {partition} with a leader: it has {}", leaders.len()).into());
        };
        self.at(address)
    }
}

/// With what to do where a topic is missing.
pub(super) fn no_such_topic(failure: Failure, topic: &str) -> Failure {
    let cure = format!("create it with `corelog topic create {topic}`");
    failure.about(topic).cure(ErrorCode::UnknownTopicOrPartition, &cure)
}
