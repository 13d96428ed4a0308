//! CreateTopics and DeleteTopics: what Kafka checks, in Kafka's order and words.

use std::collections::BTreeMap;

use corelog_storage::ids::{PartitionIndex, TopicId};
use corelog_wire::error_code::ErrorCode;

use super::{
    configs::check_configs,
    machine::{ControllerMachine, Decision, MAX_RECORDS},
    replicas::{Placer, check_assignment, check_factor, new_partition},
};
use crate::{
    config::TopicConfig,
    metadata::{
        call::{Assignment, CreatedTopic, DeletedTopic, MetadataAnswer, NewTopic, Refusal, TopicSelector},
        ids::random_uuid,
        record::{ConfigResource, MetadataRecord, Replica},
        topic_name,
    },
    quota::mutations_machine::Account,
};

/// The most partitions that one call may create.
const MAX_PARTITIONS: i64 = 10_000;

impl ControllerMachine {
    pub(super) fn create_topics(
        &mut self,
        account: &mut Account,
        topics: Vec<NewTopic>,
        validate_only: bool,
        draw: &mut dyn FnMut() -> u64,
    ) -> Decision {
        if let Err(refusal) = self.check_size(&topics) {
            let answer = topics.iter().map(|_| Err(refusal.clone())).collect();
            return Decision { records: Vec::new(), answer: MetadataAnswer::TopicsCreated(answer) };
        }
        let before = self.image.clone();
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(topics.len());
        for topic in &topics {
            let created = self.create_topic(topic, draw).and_then(|(created, own)| {
                self.charge(account, created.partitions as usize)?;
                self.advance(&own);
                records.extend(own);
                Ok(created)
            });
            answer.push(created);
        }
        if records.len() > MAX_RECORDS {
            let refusal =
                Refusal::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.");
            answer = topics.iter().map(|_| Err(refusal.clone())).collect();
            self.image = before.clone();
            records.clear();
        }
        if validate_only {
            self.image = before;
            records.clear();
        }
        Decision { records, answer: MetadataAnswer::TopicsCreated(answer) }
    }

    /// Bounds the work before any is done.
    fn check_size(&self, topics: &[NewTopic]) -> Result<(), Refusal> {
        let partitions = |topic: &NewTopic| match topic.partitions {
            -1 if topic.assignments.is_empty() => i64::from(self.config.topics.partitions),
            -1 => topic.assignments.len() as i64,
            count => i64::from(count.max(0)),
        };
        if topics.iter().map(partitions).sum::<i64>() > MAX_PARTITIONS {
            let what = "Excessively large number of partitions per request.";
            return Err(Refusal::new(ErrorCode::PolicyViolation, what));
        }
        Ok(())
    }

    /// One topic's records, and what its creator is told.
    fn create_topic(
        &self,
        topic: &NewTopic,
        draw: &mut dyn FnMut() -> u64,
    ) -> Result<(CreatedTopic, Vec<MetadataRecord>), Refusal> {
        topic_name::check_new(&topic.name, &self.image)?;
        let configs = check_configs(&self.settings(), &topic.configs)?;
        let id = self.unused_topic_id(draw);
        let placed = match topic.assignments.is_empty() {
            true => self.place(id, topic)?,
            false => self.place_by_hand(id, topic)?,
        };
        let min_isr = TopicConfig::resolve(&self.settings(), &configs).min_insync_replicas;
        let created = CreatedTopic {
            id,
            partitions: placed.len() as i32,
            replication_factor: placed.first().map_or(0, |replicas| replicas.len() as i16),
            configs,
        };
        let mut records = vec![MetadataRecord::Topic { id, name: topic.name.clone() }];
        records.extend(created.configs.iter().map(|(key, value)| MetadataRecord::Config {
            resource: ConfigResource::Topic(id),
            key: key.clone(),
            value: Some(value.clone()),
        }));
        records.extend(placed.into_iter().enumerate().map(|(index, replicas)| MetadataRecord::Partition {
            topic: id,
            state: new_partition(PartitionIndex(index as i32), replicas, min_isr),
        }));
        Ok((created, records))
    }

    fn unused_topic_id(&self, draw: &mut dyn FnMut() -> u64) -> TopicId {
        loop {
            let id = TopicId(random_uuid(&mut *draw).0);
            if self.image.topic_by_id(id).is_none() {
                return id;
            }
        }
    }

    fn place(&self, id: TopicId, topic: &NewTopic) -> Result<Vec<Vec<Replica>>, Refusal> {
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            let what = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, what));
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            let what = "Number of partitions was set to an invalid non-positive value.";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, what));
        }
        let factor = match topic.replication_factor {
            -1 => self.config.topics.replication_factor,
            factor => factor,
        };
        check_factor(&self.image, factor)?;
        let count = match topic.partitions {
            -1 => self.config.topics.partitions,
            count => count,
        };
        let mut placer = Placer::new(&self.image);
        Ok((0..count).map(|index| placer.choose(id, PartitionIndex(index), factor)).collect())
    }

    fn place_by_hand(&self, id: TopicId, topic: &NewTopic) -> Result<Vec<Vec<Replica>>, Refusal> {
        let unwanted = match (topic.replication_factor, topic.partitions) {
            (-1, -1) => None,
            (-1, _) => Some("numPartitions"),
            _ => Some("replication factor"),
        };
        if let Some(what) = unwanted {
            let what = format!("A manual partition assignment was specified, but {what} was not set to -1.");
            return Err(Refusal::new(ErrorCode::InvalidRequest, what));
        }
        let sorted = self.check_assignments(&topic.assignments)?;
        let mut placer = Placer::new(&self.image);
        Ok(sorted.values().map(|assignment| placer.assign(id, &assignment.brokers)).collect())
    }

    fn check_assignments<'a>(&self, assignments: &'a [Assignment]) -> Result<BTreeMap<i32, &'a Assignment>, Refusal> {
        let refuse = |what: String| Refusal::new(ErrorCode::InvalidReplicaAssignment, what);
        let mut sorted = BTreeMap::new();
        let mut factor = None;
        for assignment in assignments {
            if sorted.insert(assignment.partition, assignment).is_some() {
                let partition = assignment.partition;
                return Err(refuse(format!("Found multiple manual partition assignments for partition {partition}")));
            }
            check_assignment(&self.image, &assignment.brokers, factor)?;
            factor = Some(assignment.brokers.len());
        }
        if !sorted.keys().copied().eq(0..sorted.len() as i32) {
            return Err(refuse("partitions should be a consecutive 0-based integer sequence".to_owned()));
        }
        Ok(sorted)
    }

    pub(super) fn delete_topics(&mut self, account: &mut Account, topics: Vec<TopicSelector>) -> Decision {
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(topics.len());
        for topic in &topics {
            let deleted = self.find_to_delete(topic).and_then(|(deleted, partitions)| {
                self.charge(account, partitions)?;
                let record = MetadataRecord::RemoveTopic { id: deleted.id };
                self.advance(std::slice::from_ref(&record));
                records.push(record);
                Ok(deleted)
            });
            answer.push(deleted);
        }
        Decision { records, answer: MetadataAnswer::TopicsDeleted(answer) }
    }

    /// The topic, and how many partitions it has.
    fn find_to_delete(&self, topic: &TopicSelector) -> Result<(DeletedTopic, usize), Refusal> {
        let (found, code, what) = match topic {
            TopicSelector::Name(name) => (
                self.image.topic(name),
                ErrorCode::UnknownTopicOrPartition,
                "This server does not host this topic-partition.",
            ),
            TopicSelector::Id(id) => {
                (self.image.topic_by_id(*id), ErrorCode::UnknownTopicId, "This server does not host this topic ID.")
            }
        };
        let found = found.ok_or_else(|| Refusal::new(code, what))?;
        if !self.config.topics.delete_enabled {
            return Err(Refusal::new(ErrorCode::TopicDeletionDisabled, "Topic deletion is disabled."));
        }
        Ok((DeletedTopic { name: found.name.to_string(), id: found.id }, found.partitions.len()))
    }
}
