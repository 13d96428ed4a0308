//! Which core owns a partition, and which data directory keeps it: each balanced over all partitions and within each
//! topic, and remembered in the partition's record. Cores change as little as possible when their number does; the
//! directory never changes.

use std::collections::BTreeMap;

use corelog_storage::ids::{LogId, TopicId};

use crate::{
    core::env::CoreId,
    metadata::{
        ids::{DirectoryId, NodeId},
        image::ClusterImage,
        record::PartitionState,
    },
};

/// How many partitions there are at each of a node's places of one kind.
#[derive(Clone, Debug)]
pub struct Load<P> {
    places: Vec<P>,
    partitions: Vec<usize>,
    of_topic: BTreeMap<TopicId, Vec<usize>>,
}

/// How many partitions each core of one node owns.
pub type CoreLoad = Load<CoreId>;

/// How many partitions each data directory of one node keeps.
pub type DirectoryLoad = Load<DirectoryId>;

/// A partition that changes its core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// Which.
    pub log: LogId,
    /// From where.
    pub from: CoreId,
    /// To where.
    pub to: CoreId,
}

impl<P: Copy + Ord> Load<P> {
    /// The load of `places`, in order. Partitions elsewhere are not counted.
    fn over(places: Vec<P>, placed: impl Iterator<Item = (TopicId, P)>) -> Self {
        assert!(!places.is_empty() && places.is_sorted(), "there is a place");
        let mut load = Self { partitions: vec![0; places.len()], places, of_topic: BTreeMap::new() };
        placed.for_each(|(topic, place)| load.add(topic, place));
        load
    }

    /// Where the next partition of `topic` goes: the place with the fewest of that topic, then of all.
    pub fn lightest(&self, topic: TopicId) -> P {
        let own = self.of_topic.get(&topic);
        let key = |at: &usize| (own.map_or(0, |own| own[*at]), self.partitions[*at]);
        self.places[(0..self.places.len()).min_by_key(key).expect("there is a place")]
    }

    /// Counts one more; places that do not exist are not counted.
    pub fn add(&mut self, topic: TopicId, place: P) {
        let places = self.places.len();
        if let Ok(at) = self.places.binary_search(&place) {
            self.partitions[at] += 1;
            self.of_topic.entry(topic).or_insert_with(|| vec![0; places])[at] += 1;
        }
    }
}

impl DirectoryLoad {
    /// The load of these directories of `node`.
    pub fn of(image: &ClusterImage, node: NodeId, mut directories: Vec<DirectoryId>) -> Self {
        directories.sort();
        Self::over(directories, placed(image, move |state| state.directory_on(node)).map(|(log, at)| (log.topic, at)))
    }
}

impl CoreLoad {
    /// The load of `node`, which runs `cores` cores. Partitions on cores beyond those are not counted.
    pub fn of(image: &ClusterImage, node: NodeId, cores: u16) -> Self {
        let cores = (0..cores).map(CoreId).collect();
        Self::over(cores, on_cores(image, node).map(|(log, core)| (log.topic, core)))
    }

    fn remove(&mut self, topic: TopicId, core: CoreId) {
        self.partitions[core.0 as usize] -= 1;
        if let Some(own) = self.of_topic.get_mut(&topic) {
            own[core.0 as usize] -= 1;
        }
    }

    /// The most and the least loaded core.
    fn extremes(&self) -> (CoreId, CoreId) {
        let count = |core: &usize| self.partitions[*core];
        let most = (0..self.partitions.len()).rev().max_by_key(count).expect("there is a core");
        let least = (0..self.partitions.len()).min_by_key(count).expect("there is a core");
        (CoreId(most as u16), CoreId(least as u16))
    }

    fn count(&self, core: CoreId) -> usize {
        self.partitions[core.0 as usize]
    }

    fn of_topic(&self, topic: TopicId, core: CoreId) -> usize {
        self.of_topic.get(&topic).map_or(0, |own| own[core.0 as usize])
    }
}

/// What must move so that `node` can run on `cores` cores: everything on cores that are no more, and as many others as
/// it takes for the cores to differ by no more than one. Nothing moves while the number of cores stays the same and the
/// partitions are balanced.
pub fn moves(image: &ClusterImage, node: NodeId, cores: u16) -> Vec<Move> {
    let mut load = CoreLoad::of(image, node, cores);
    let mut owner: BTreeMap<LogId, CoreId> = on_cores(image, node).collect();
    let before = owner.clone();
    for (log, core) in owner.iter_mut().filter(|(_, core)| core.0 >= cores) {
        let to = load.lightest(log.topic);
        load.add(log.topic, to);
        *core = to;
    }
    if runs_on_other_cores(image, node, cores) {
        balance(&mut load, &mut owner);
    }
    let moved = before.iter().map(|(log, from)| Move { log: *log, from: *from, to: owner[log] });
    moved.filter(|step| step.from != step.to).collect()
}

/// Deleting topics may leave the cores uneven; that alone moves nothing at a start.
fn runs_on_other_cores(image: &ClusterImage, node: NodeId, cores: u16) -> bool {
    image.node(node).is_some_and(|registered| registered.cores != cores)
}

fn balance(load: &mut CoreLoad, owner: &mut BTreeMap<LogId, CoreId>) {
    loop {
        let (most, least) = load.extremes();
        if load.count(most) <= load.count(least) + 1 {
            return;
        }
        // Of the topic that is most uneven between the two, so that topics stay spread as well.
        let uneven = |log: &LogId| {
            let topic = log.topic;
            load.of_topic(topic, most) as i64 - load.of_topic(topic, least) as i64
        };
        let candidates = owner.iter().filter(|(_, core)| **core == most).map(|(log, _)| *log);
        let log = candidates.max_by_key(|log| (uneven(log), *log)).expect("the most loaded core owns something");
        load.remove(log.topic, most);
        load.add(log.topic, least);
        owner.insert(log, least);
    }
}

fn on_cores(image: &ClusterImage, node: NodeId) -> impl Iterator<Item = (LogId, CoreId)> {
    placed(image, move |state| state.core_on(node))
}

/// All partitions that have a place.
fn placed<P>(image: &ClusterImage, place: impl Fn(&PartitionState) -> Option<P>) -> impl Iterator<Item = (LogId, P)> {
    let partitions =
        image.topics().flat_map(|topic| topic.partitions.iter().map(|state| (topic.log(state.index), state)));
    partitions.filter_map(move |(log, state)| Some((log, place(state)?)))
}

#[cfg(test)]
mod tests {
    use corelog_storage::ids::{LeaderEpoch, PartitionIndex};

    use super::*;
    use crate::metadata::{
        ids::{BrokerEpoch, DirectoryId, PartitionEpoch, Uuid},
        record::{MetadataRecord, NodeRegistration, Replica},
    };

    const NODE: NodeId = NodeId(0);

    /// A node as it is while the broker runs: registered with its cores, partitions placed on them.
    struct World {
        image: ClusterImage,
        epoch: i64,
    }

    impl World {
        fn new(cores: u16) -> Self {
            let mut world = Self { image: ClusterImage::default(), epoch: 0 };
            world.register(cores);
            world
        }

        fn register(&mut self, cores: u16) {
            self.epoch += 1;
            let (id, epoch, incarnation) = (NODE, BrokerEpoch(self.epoch), Uuid::default());
            let node = NodeRegistration { id, epoch, incarnation, cores, directories: vec![], rack: None };
            self.apply(MetadataRecord::Node(node));
        }

        fn apply(&mut self, record: MetadataRecord) {
            self.image.apply(&record).expect("applies");
        }

        fn create(&mut self, number: u8, partitions: i32, cores: u16) {
            let topic = TopicId([number; 16]);
            self.apply(MetadataRecord::Topic { id: topic, name: format!("topic-{number}") });
            let mut load = CoreLoad::of(&self.image, NODE, cores);
            for index in 0..partitions {
                let core = load.lightest(topic);
                load.add(topic, core);
                self.place(topic, PartitionIndex(index), core, 0);
            }
        }

        fn place(&mut self, topic: TopicId, index: PartitionIndex, core: CoreId, epoch: i32) {
            let state = PartitionState {
                index,
                leader: Some(NODE),
                leader_epoch: LeaderEpoch(epoch),
                partition_epoch: PartitionEpoch(epoch),
                replicas: vec![Replica { node: NODE, directory: DirectoryId::default(), core }],
                adding: vec![],
                removing: vec![],
                isr: vec![NODE],
                elr: vec![],
                last_known_elr: vec![],
                min_isr: 1,
            };
            self.apply(MetadataRecord::Partition { topic, state });
        }

        /// Restarts on another number of cores; returns how many partitions moved.
        fn restart(&mut self, cores: u16) -> usize {
            let moves = moves(&self.image, NODE, cores);
            for step in &moves {
                let epoch = self.image.partition(step.log).expect("exists").partition_epoch.0 + 1;
                self.place(step.log.topic, step.log.partition, step.to, epoch);
            }
            self.register(cores);
            moves.len()
        }

        fn counts(&self, cores: u16) -> Vec<usize> {
            CoreLoad::of(&self.image, NODE, cores).partitions
        }

        fn assert_even(&self, cores: u16) {
            let counts = self.counts(cores);
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{counts:?}");
            assert_eq!(counts.iter().sum::<usize>(), on_cores(&self.image, NODE).count(), "none is left elsewhere");
        }
    }

    #[test]
    fn partitions_spread_over_the_cores_within_each_topic_and_over_all() {
        let mut world = World::new(4);
        for topic in 1..=9 {
            world.create(topic, i32::from(topic) % 5 + 1, 4);
        }
        world.assert_even(4);
        let mut one_each = World::new(3);
        for topic in 1..=30 {
            one_each.create(topic, 1, 3);
        }
        assert_eq!(one_each.counts(3), [10, 10, 10]);
    }

    #[test]
    fn partitions_spread_over_the_directories_within_each_topic_and_over_all() {
        let world = World::new(1);
        let directories: Vec<DirectoryId> = (0..3).map(|number| DirectoryId(Uuid([9 - number; 16]))).collect();
        let mut load = DirectoryLoad::of(&world.image, NODE, directories.clone());
        for topic in 1..=30 {
            for _ in 0..u32::from(topic) % 4 + 1 {
                let topic = TopicId([topic; 16]);
                load.add(topic, load.lightest(topic));
            }
        }
        let (least, most) = (load.partitions.iter().min(), load.partitions.iter().max());
        assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{:?}", load.partitions);
        assert!(load.of_topic.values().all(|own| own.iter().max() <= own.iter().min().map(|least| least + 1).as_ref()));
        load.add(TopicId([1; 16]), DirectoryId(Uuid([77; 16])));
        assert_eq!(
            load.partitions.iter().sum::<usize>(),
            (1..=30).map(|topic| topic % 4 + 1).sum::<usize>(),
            "no other is counted"
        );
        let added = DirectoryLoad::of(&world.image, NODE, directories).lightest(TopicId([1; 16]));
        assert_eq!(added, DirectoryId(Uuid([7; 16])), "of equals the first");
    }

    #[test]
    fn placement_survives_restarts_with_2_1_4_2_cores() {
        let mut world = World::new(2);
        for topic in 1..=10 {
            world.create(topic, 12, 2);
        }
        assert_eq!(world.restart(2), 0, "the same cores move nothing");
        for (cores, moved) in [(1, 60), (4, 90), (2, 60)] {
            assert_eq!(world.restart(cores), moved, "as few as balance needs, to {cores}");
            world.assert_even(cores);
            assert_eq!(world.restart(cores), 0, "and then none");
        }
        let topics: Vec<Vec<usize>> = CoreLoad::of(&world.image, NODE, 2).of_topic.into_values().collect();
        assert!(topics.iter().all(|own| own[0].abs_diff(own[1]) <= 2), "topics stay spread: {topics:?}");
    }

    #[test]
    fn what_deleting_left_uneven_stays_where_it_is() {
        let mut world = World::new(2);
        world.create(1, 4, 2);
        world.create(2, 4, 2);
        for index in [1, 3] {
            let state = world.image.partition(LogId { topic: TopicId([2; 16]), partition: PartitionIndex(index) });
            let epoch = state.expect("exists").partition_epoch.0 + 1;
            world.place(TopicId([2; 16]), PartitionIndex(index), CoreId(0), epoch);
        }
        assert_eq!(world.counts(2), [6, 2]);
        assert_eq!(world.restart(2), 0);
    }
}
