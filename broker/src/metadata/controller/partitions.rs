//! CreatePartitions: what Kafka checks, in Kafka's words.

use corelog_storage::ids::PartitionIndex;
use corelog_wire::error_code::ErrorCode;

use super::{
    machine::{ControllerMachine, Decision, MAX_RECORDS},
    replicas::{Placer, check_assignment, new_partition},
};
use crate::{
    config::TopicConfig,
    metadata::{
        call::{Assignment, MetadataAnswer, MorePartitions, Refusal},
        image::TopicImage,
        record::MetadataRecord,
    },
    quota::mutations_machine::Account,
};

impl ControllerMachine {
    pub(super) fn create_partitions(
        &mut self,
        account: &mut Account,
        topics: Vec<MorePartitions>,
        validate_only: bool,
    ) -> Decision {
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(topics.len());
        for more in &topics {
            let added = self.add_partitions(more, MAX_RECORDS - records.len()).and_then(|own| {
                self.charge(account, own.len())?;
                if !validate_only {
                    self.advance(&own);
                    records.extend(own);
                }
                Ok(())
            });
            answer.push(added);
        }
        Decision { records, answer: MetadataAnswer::PartitionsCreated(answer) }
    }

    fn add_partitions(&self, more: &MorePartitions, room: usize) -> Result<Vec<MetadataRecord>, Refusal> {
        let Some(topic) = self.image.topic(&more.name) else {
            return Err(Refusal::bare(ErrorCode::UnknownTopicOrPartition));
        };
        let added = check_count(topic, more.count)?;
        if added > room {
            let what = "Unable to perform excessively large batch operation.";
            return Err(Refusal::new(ErrorCode::PolicyViolation, what));
        }
        let factor = topic.partitions.first().map_or(1, |state| state.replicas.len());
        if let Some(assignments) = &more.assignments {
            self.check_added(assignments, added, factor)?;
        }
        let min_isr = TopicConfig::resolve(&self.settings(), &topic.configs).min_insync_replicas;
        let mut placer = Placer::new(&self.image);
        let partition = |step: usize| {
            let index = PartitionIndex((topic.partitions.len() + step) as i32);
            let replicas = match &more.assignments {
                Some(assignments) => placer.assign(topic.id, &assignments[step].brokers),
                None => placer.choose(topic.id, index, factor as i16),
            };
            MetadataRecord::Partition { topic: topic.id, state: new_partition(index, replicas, min_isr) }
        };
        Ok((0..added).map(partition).collect())
    }

    fn check_added(&self, assignments: &[Assignment], added: usize, factor: usize) -> Result<(), Refusal> {
        if assignments.len() != added {
            let what = format!(
                "Attempted to add {added} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what));
        }
        assignments.iter().try_for_each(|one| check_assignment(&self.image, &one.brokers, Some(factor)))
    }
}

/// How many partitions are to be added.
fn check_count(topic: &TopicImage, count: i32) -> Result<usize, Refusal> {
    let present = topic.partitions.len();
    let what = match usize::try_from(count) {
        Ok(count) if count > present => return Ok(count - present),
        Ok(count) if count == present => format!("Topic already has {present} partition(s)."),
        _ => {
            format!("The topic {} currently has {present} partition(s); {count} would not be an increase.", topic.name)
        }
    };
    Err(Refusal::new(ErrorCode::InvalidPartitions, what))
}
