//! A group's coordinator, and the offsets it keeps: requests made, answers read.

use std::collections::BTreeMap;

use corelog_wire::messages::{
    FindCoordinatorRequest, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
    offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    offset_fetch::OffsetFetchRequestTopic,
};

use super::Place;
use crate::cli::{
    cluster::Cluster,
    failure::{Failure, check},
};

/// The versions that are spoken.
pub(super) const FETCH_VERSION: i16 = 7;
pub(super) const COMMIT_VERSION: i16 = 8;

/// Which broker coordinates a group: its id and its address.
pub(super) fn coordinator(cluster: &mut Cluster, group: &str) -> Result<(i32, String), Failure> {
    let request = FindCoordinatorRequest { key: group.to_owned(), ..FindCoordinatorRequest::default() };
    let found = cluster.any()?.call(3, &request)?;
    check(found.error_code, found.error_message.as_deref())?;
    Ok((found.node_id, format!("{}:{}", found.host, found.port)))
}

/// Asks what a group has committed of these partitions, or of all.
pub(super) fn ask(group: &str, places: Option<&[Place]>) -> OffsetFetchRequest {
    let topic =
        |(name, partition): &Place| OffsetFetchRequestTopic { name: name.clone(), partition_indexes: vec![*partition] };
    let topics = places.map(|places| places.iter().map(topic).collect());
    OffsetFetchRequest { group_id: group.to_owned(), topics, ..OffsetFetchRequest::default() }
}

/// What it has committed; without those of which it has committed nothing.
pub(super) fn read(answer: OffsetFetchResponse) -> Result<BTreeMap<Place, i64>, Failure> {
    check(answer.error_code, None)?;
    let mut committed = BTreeMap::new();
    for topic in answer.topics {
        for partition in topic.partitions {
            check(partition.error_code, None).map_err(|failure| failure.about(&topic.name))?;
            if partition.committed_offset >= 0 {
                committed.insert((topic.name.clone(), partition.partition_index), partition.committed_offset);
            }
        }
    }
    Ok(committed)
}

/// Commits positions as a member of a generation.
pub(super) fn commit(
    group: &str,
    member: &str,
    generation: i32,
    positions: &BTreeMap<Place, i64>,
) -> OffsetCommitRequest {
    let topic = |((name, partition), offset): (&Place, &i64)| {
        let partition = OffsetCommitRequestPartition {
            partition_index: *partition,
            committed_offset: *offset,
            committed_leader_epoch: -1,
            committed_metadata: Some(String::new()),
        };
        OffsetCommitRequestTopic { name: name.clone(), partitions: vec![partition], ..Default::default() }
    };
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member.to_owned(),
        topics: positions.iter().map(topic).collect(),
        ..OffsetCommitRequest::default()
    }
}

/// Whether all of it was committed.
pub(super) fn committed(answer: OffsetCommitResponse) -> Result<(), Failure> {
    for topic in answer.topics {
        for partition in topic.partitions {
            let place = || format!("{}-{}", topic.name, partition.partition_index);
            check(partition.error_code, None).map_err(|failure| failure.about(place()))?;
        }
    }
    Ok(())
}
