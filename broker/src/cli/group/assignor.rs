//! Who gets which partitions: Kafka's `range` and `roundrobin`, and the bytes in which members tell what they want and
//! leaders what they get. Pure.
//!
//! Members of other clients may lead a group or be led by us, so the order of members, the formats and the results are
//! Kafka's own.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use corelog_wire::{
    Decoder, Encoder, Message,
    messages::{
        consumer_protocol::{
            ConsumerProtocolAssignment, ConsumerProtocolAssignmentTopicPartition as TopicPartitions,
            ConsumerProtocolSubscription,
        },
        join_group::JoinGroupResponseMember,
    },
};

use super::Place;

/// The type of group protocol that consumers speak.
pub(super) const PROTOCOL_TYPE: &str = "consumer";
/// What we write: the version that every client reads, and that says all that these two protocols need.
const VERSION: i16 = 0;

/// A way to share partitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Assignor {
    Range,
    RoundRobin,
}

impl Assignor {
    /// In the order of our preference.
    pub(super) const ALL: [Self; 2] = [Self::Range, Self::RoundRobin];

    /// As it is called on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Shares out the partitions: how many each topic has is in `counts`.
    pub(super) fn assign(self, members: &[Subscriber], counts: &BTreeMap<String, i32>) -> Assignments {
        let mut assignments: Assignments = members.iter().map(|member| (member.id.clone(), Vec::new())).collect();
        let mut ordered: Vec<&Subscriber> = members.iter().collect();
        ordered.sort_by(|a, b| a.rank().cmp(&b.rank()));
        match self {
            Self::Range => range(&ordered, counts, &mut assignments),
            Self::RoundRobin => round_robin(&ordered, counts, &mut assignments),
        }
        assignments
    }
}

/// Partitions by member.
pub(super) type Assignments = BTreeMap<String, Vec<Place>>;

/// A member and the topics it wants.
pub(super) struct Subscriber {
    pub(super) id: String,
    /// Its name if it is a static member.
    pub(super) instance: Option<String>,
    pub(super) topics: BTreeSet<String>,
}

impl Subscriber {
    /// Static members come first, by the name that stays theirs.
    fn rank(&self) -> (bool, &str) {
        match &self.instance {
            Some(instance) => (false, instance),
            None => (true, &self.id),
        }
    }

    /// What a member's join said; one whose subscription cannot be read wants nothing.
    pub(super) fn read(member: JoinGroupResponseMember) -> Self {
        let topics = read_topics(&member.metadata).unwrap_or_default();
        Self { id: member.member_id, instance: member.group_instance_id, topics }
    }
}

/// For each topic on its own: a run of partitions to each member, the first ones one more where they do not divide.
fn range(members: &[&Subscriber], counts: &BTreeMap<String, i32>, assignments: &mut Assignments) {
    for (topic, &count) in counts {
        let wanting: Vec<_> = members.iter().filter(|member| member.topics.contains(topic)).collect();
        let mut next = 0;
        for (at, member) in (0..).zip(&wanting) {
            let end = next + count / wanting.len() as i32 + i32::from(at < count % wanting.len() as i32);
            let share = (next..end).map(|partition| (topic.clone(), partition));
            assignments.entry(member.id.clone()).or_default().extend(share);
            next = end;
        }
    }
}

/// All partitions of all topics in turn, past members that do not want the topic.
fn round_robin(members: &[&Subscriber], counts: &BTreeMap<String, i32>, assignments: &mut Assignments) {
    let mut turn = 0;
    for (topic, &count) in counts {
        for partition in 0..count {
            let Some(ahead) =
                (0..members.len()).position(|ahead| members[(turn + ahead) % members.len()].topics.contains(topic))
            else {
                break;
            };
            let member = members[(turn + ahead) % members.len()];
            turn += ahead + 1;
            assignments.entry(member.id.clone()).or_default().push((topic.clone(), partition));
        }
    }
}

/// A subscription as every consumer's join has it.
pub(super) fn subscription(topics: &[String]) -> Bytes {
    versioned(&ConsumerProtocolSubscription { topics: topics.to_vec(), ..ConsumerProtocolSubscription::default() })
}

/// An assignment as every consumer reads it.
pub(super) fn assignment(places: &[Place]) -> Bytes {
    let mut partitions: BTreeMap<&String, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in places {
        partitions.entry(topic).or_default().push(*partition);
    }
    let topics = partitions.into_iter().map(|(topic, partitions)| TopicPartitions { topic: topic.clone(), partitions });
    versioned(&ConsumerProtocolAssignment { assigned_partitions: topics.collect(), user_data: None })
}

/// What an assignment gives; no bytes at all give nothing. `None` if it is none.
pub(super) fn read_assignment(bytes: &Bytes) -> Option<Vec<Place>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let read: ConsumerProtocolAssignment = read_versioned(bytes)?;
    let each = |topic: TopicPartitions| {
        let name = topic.topic;
        topic.partitions.into_iter().map(move |partition| (name.clone(), partition))
    };
    Some(read.assigned_partitions.into_iter().flat_map(each).collect())
}

fn read_topics(bytes: &Bytes) -> Option<BTreeSet<String>> {
    let read: ConsumerProtocolSubscription = read_versioned(bytes)?;
    Some(read.topics.into_iter().collect())
}

fn versioned(message: &impl Message) -> Bytes {
    let mut encoder = Encoder::new();
    encoder.i16(VERSION);
    message.encode(&mut encoder, VERSION);
    encoder.finish().expect("version 0 carries these fields")
}

/// Later versions only add to the end.
fn read_versioned<M: Message>(bytes: &Bytes) -> Option<M> {
    let mut decoder = Decoder::new(bytes);
    let version = decoder.i16("version").ok()?;
    (version >= 0).then(|| M::decode(&mut decoder, VERSION).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, instance: Option<&str>, topics: &[&str]) -> Subscriber {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        Subscriber { id: id.to_owned(), instance: instance.map(str::to_owned), topics }
    }

    fn counts(of: &[(&str, i32)]) -> BTreeMap<String, i32> {
        of.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect()
    }

    fn given(assignments: &Assignments, id: &str) -> Vec<String> {
        assignments[id].iter().map(|(topic, partition)| format!("{topic}{partition}")).collect()
    }

    #[test]
    fn range_gives_the_first_members_the_rest_of_each_topic() {
        let members = [member("b", None, &["x", "y"]), member("a", None, &["x", "y"]), member("c", None, &["y"])];
        let found = Assignor::Range.assign(&members, &counts(&[("x", 3), ("y", 4)]));
        assert_eq!(given(&found, "a"), ["x0", "x1", "y0", "y1"]);
        assert_eq!(given(&found, "b"), ["x2", "y2"]);
        assert_eq!(given(&found, "c"), ["y3"]);
    }

    #[test]
    fn range_leaves_members_beyond_the_partitions_without_any() {
        let members = [member("a", None, &["x"]), member("b", None, &["x"]), member("c", None, &["x"])];
        let found = Assignor::Range.assign(&members, &counts(&[("x", 2)]));
        assert_eq!((given(&found, "a"), given(&found, "b")), (vec!["x0".to_owned()], vec!["x1".to_owned()]));
        assert!(found["c"].is_empty());
    }

    #[test]
    fn round_robin_goes_on_over_topics_and_past_who_does_not_want_them() {
        let members = [member("a", None, &["x", "y"]), member("b", None, &["y"])];
        let found = Assignor::RoundRobin.assign(&members, &counts(&[("x", 2), ("y", 3), ("z", 1)]));
        assert_eq!(given(&found, "a"), ["x0", "x1", "y1"]);
        assert_eq!(given(&found, "b"), ["y0", "y2"]);
    }

    #[test]
    fn static_members_come_first_by_their_own_names() {
        let members = [member("a", None, &["x"]), member("z", Some("i1"), &["x"]), member("y", Some("i2"), &["x"])];
        let found = Assignor::Range.assign(&members, &counts(&[("x", 3)]));
        assert_eq!((given(&found, "z"), given(&found, "y")), (vec!["x0".to_owned()], vec!["x1".to_owned()]));
        assert_eq!(given(&found, "a"), ["x2"]);
    }

    #[test]
    fn assignments_and_subscriptions_survive_their_bytes_and_rubbish_gives_nothing() {
        let places = vec![("x".to_owned(), 0), ("x".to_owned(), 2), ("y".to_owned(), 1)];
        assert_eq!(read_assignment(&assignment(&places)), Some(places));
        assert_eq!(read_assignment(&Bytes::new()), Some(Vec::new()));
        assert_eq!(read_assignment(&Bytes::from_static(&[0, 0, 0x7f, 0xff, 0xff, 0xff])), None);
        let wanted = subscription(&["x".to_owned()]);
        assert_eq!(read_topics(&wanted), Some(BTreeSet::from(["x".to_owned()])));
        let newer: Bytes = [&[0, 3], &wanted[2..], &[0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff]].concat().into();
        assert_eq!(read_topics(&newer), Some(BTreeSet::from(["x".to_owned()])));
        assert_eq!(read_topics(&Bytes::from_static(&[0xff, 0xff, 0, 0, 0, 0])), None);
    }
}
