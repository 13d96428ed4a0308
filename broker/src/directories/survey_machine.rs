//! Which data directory is which, at a start. Pure.
//!
//! *Inputs*: what was found at each path of `log.dirs` ([`Place`]), and what the metadata knows.
//! *Effects*: where the metadata is ([`metadata_at`]); then a [`Plan`]: each directory's id, and whether it is known, new or
//! gone. Or a [`Refusal`], and the broker does not start.
//! *Invariants*: no two directories have one id; a directory that is planned as known says itself that it is this node's; one
//! that is planned as new is empty, and nothing was at its path that is missing now.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use corelog_storage::directory::{Contents, Identity, Remembered};

use super::mutant::{self, Mutant};
use crate::metadata::{
    ids::{DirectoryId, NodeId, Uuid, random_uuid},
    image::ClusterImage,
};

/// A path of `log.dirs`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The path.
    pub path: PathBuf,
    /// What is there, or why it cannot be used.
    pub found: Result<Contents, String>,
}

impl Place {
    fn identity(&self) -> Option<&Identity> {
        self.found.as_ref().ok()?.identity.as_ref()
    }

    /// It says who it is, and what it had is not there.
    fn is_emptied(&self) -> bool {
        self.found.as_ref().is_ok_and(|contents| contents.identity.is_some() && !contents.shards)
    }

    fn holds_metadata(&self) -> bool {
        match &self.found {
            Ok(Contents { identity: Some(identity), .. }) => identity.others.is_some(),
            // That of a broker which never had another.
            Ok(Contents { identity: None, shards }) => *shards,
            Err(_) => false,
        }
    }
}

/// What is to be done with the directories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The cluster's id.
    pub cluster: Uuid,
    /// In the order of `log.dirs`.
    pub directories: Vec<Planned>,
    /// Which of them holds the metadata.
    pub metadata: usize,
    /// Directories that are mounted elsewhere than they were: where they were.
    pub moved: BTreeMap<DirectoryId, PathBuf>,
    /// Directories that were taken out of the list, and where they were.
    pub left_out: BTreeMap<DirectoryId, PathBuf>,
}

/// A directory of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// Which one.
    pub id: DirectoryId,
    /// Where.
    pub path: PathBuf,
    /// How it is.
    pub state: State,
}

/// How a directory is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It says who it is.
    Known,
    /// It is empty, and was not used before.
    New,
    /// It was used before, and is not there.
    Gone(String),
}

/// Why the broker does not start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Two directories that hold metadata.
    TwoBrokers(PathBuf, PathBuf),
    /// None holds the metadata, though one belongs to a broker.
    NoMetadata {
        /// That one.
        path: PathBuf,
        /// What it says.
        owner: (NodeId, Uuid),
        /// Those that cannot be used.
        unusable: Vec<String>,
    },
    /// A directory that was not used before cannot be.
    Unusable(String),
    /// A directory of another node.
    Foreign {
        /// Where.
        path: PathBuf,
        /// Whose.
        owner: (NodeId, Uuid),
        /// Who asked.
        asked: (NodeId, Uuid),
    },
    /// Two that say they are the same.
    Copies(PathBuf, PathBuf),
    /// The one that says it holds the metadata has no records at all.
    Emptied(PathBuf),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoBrokers(one, other) => write!(
                f,
                "the data directories {} and {} both hold a cluster's metadata: they are of two brokers; name those of one",
                one.display(),
                other.display()
            ),
            Self::NoMetadata { path, owner: (node, cluster), unusable } => {
                write!(
                    f,
                    "the data directory {} belongs to node {node} of cluster {cluster}, whose metadata is in a directory that \
                     is not in log.dirs or cannot be used: bring that one back; without it, unlike others, no broker starts",
                    path.display()
                )?;
                unusable.iter().try_for_each(|why| write!(f, "; {why}"))
            }
            Self::Unusable(why) => {
                write!(f, "{why}; a directory that was not used before must be usable, or be taken out of log.dirs")
            }
            Self::Foreign { path, owner, asked } => write!(
                f,
                "the data directory {} belongs to node {} of cluster {}, not to node {} of cluster {}: take it out of \
                 log.dirs, or mount the right disk there",
                path.display(),
                owner.0,
                owner.1,
                asked.0,
                asked.1
            ),
            Self::Copies(one, other) => write!(
                f,
                "the data directories {} and {} are copies of one: take one of them out of log.dirs",
                one.display(),
                other.display()
            ),
            Self::Emptied(path) => write!(f, "{}", emptied(path)),
        }
    }
}

impl std::error::Error for Refusal {}

/// Where the metadata is, or is to be: in a broker that is new, the first directory has it, and all must be usable.
pub fn metadata_at(places: &[Place]) -> Result<usize, Refusal> {
    let mut holders = places.iter().enumerate().filter(|(_, place)| place.holds_metadata());
    if let Some((at, one)) = holders.next() {
        return match holders.next() {
            Some((_, other)) => Err(Refusal::TwoBrokers(one.path.clone(), other.path.clone())),
            None if one.is_emptied() => Err(Refusal::Emptied(one.path.clone())),
            None => Ok(at),
        };
    }
    let unusable: Vec<String> = places.iter().filter_map(|place| place.found.clone().err()).collect();
    let owned = places.iter().find_map(|place| Some((&place.path, place.identity()?)));
    if let Some((path, identity)) = owned {
        return Err(Refusal::NoMetadata { path: path.clone(), owner: owner(identity), unusable });
    }
    match unusable.into_iter().next() {
        Some(why) => Err(Refusal::Unusable(why)),
        None => Ok(0),
    }
}

/// What each place is for node `node`, whose metadata is at `metadata` and says `image`.
pub fn plan(
    places: &[Place],
    metadata: usize,
    (image, node): (&ClusterImage, NodeId),
    draw: &mut dyn FnMut() -> u64,
) -> Result<Plan, Refusal> {
    let own = places[metadata].identity();
    let any = places.iter().find_map(Place::identity);
    // Identities are written before the metadata's first record.
    let told = image.cluster_id().or_else(|| any.map(|identity| Uuid(identity.cluster)));
    let cluster = told.unwrap_or_else(|| random_uuid(&mut *draw));
    let known = known(places, (node, cluster))?;
    let registered = image.node(node).and_then(|node| node.directories.first().copied());
    let remembered: &[Remembered] = own.and_then(|identity| identity.others.as_deref()).unwrap_or_default();
    let mut lost: BTreeMap<&PathBuf, DirectoryId> = BTreeMap::new();
    lost.extend(remembered.iter().filter(|one| !known.contains_key(&id(&one.id))).map(|one| (&one.path, id(&one.id))));
    let mut directories = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        // Another disk in its place says who it is.
        let was_there = if place.identity().is_none() { lost.remove(&place.path) } else { None };
        let (id, state) = match (&place.found, place.identity()) {
            (_, Some(identity)) if place.is_emptied() && keeps_any(image, node, id(&identity.id)) => {
                (id(&identity.id), State::Gone(emptied(&place.path)))
            }
            (_, Some(identity)) => (id(&identity.id), State::Known),
            (Ok(_), None) if at == metadata => {
                (registered.unwrap_or_else(|| DirectoryId(random_uuid(&mut *draw))), State::Known)
            }
            (Ok(_), None) => match was_there {
                Some(was) if mutant::active(Mutant::TrustPaths) => (was, State::New),
                Some(was) => (was, State::Gone(empty(&place.path))),
                None => (DirectoryId(random_uuid(&mut *draw)), State::New),
            },
            (Err(why), None) => match was_there {
                Some(was) => (was, State::Gone(why.clone())),
                None => return Err(Refusal::Unusable(why.clone())),
            },
        };
        directories.push(Planned { id, path: place.path.clone(), state });
    }
    let was_at =
        |one: &Remembered| Some((id(&one.id), one.path.clone())).filter(|(id, path)| known.get(id) != Some(&path));
    let elsewhere: BTreeMap<DirectoryId, PathBuf> = remembered.iter().filter_map(was_at).collect();
    let moved = elsewhere.into_iter().filter(|(id, _)| known.contains_key(id)).collect();
    let left_out = lost.into_iter().map(|(path, id)| (id, path.clone())).collect();
    Ok(Plan { cluster, directories, metadata, moved, left_out })
}

/// Where each directory is that says who it is: all must be this node's, and no two the same.
fn known(places: &[Place], asked: (NodeId, Uuid)) -> Result<BTreeMap<DirectoryId, &PathBuf>, Refusal> {
    let mut known: BTreeMap<DirectoryId, &PathBuf> = BTreeMap::new();
    for place in places {
        let Some(identity) = place.identity() else { continue };
        if owner(identity) != asked {
            return Err(Refusal::Foreign { path: place.path.clone(), owner: owner(identity), asked });
        }
        if let Some(other) = known.insert(id(&identity.id), &place.path) {
            return Err(Refusal::Copies(other.clone(), place.path.clone()));
        }
    }
    Ok(known)
}

/// Whether the node has a partition in a directory.
fn keeps_any(image: &ClusterImage, node: NodeId, directory: DirectoryId) -> bool {
    let mut partitions = image.topics().flat_map(|topic| &topic.partitions);
    partitions.any(|state| state.directory_on(node) == Some(directory))
}

fn emptied(path: &Path) -> String {
    format!(
        "the data directory {} has lost all its records (it has no `shards`): restore it from a copy",
        path.display()
    )
}

fn empty(path: &Path) -> String {
    format!(
        "the data directory {} is empty, and another was there: mount its disk again (or start once without it in log.dirs, \
         to give it up and use the empty one from then on)",
        path.display()
    )
}

fn id(bytes: &[u8; 16]) -> DirectoryId {
    DirectoryId(Uuid(*bytes))
}

fn owner(identity: &Identity) -> (NodeId, Uuid) {
    (NodeId(identity.node), Uuid(identity.cluster))
}

#[cfg(test)]
mod tests {
    use corelog_storage::ids::{PartitionIndex, TopicId};

    use super::*;
    use crate::{
        core::env::CoreId,
        metadata::{
            controller::new_partition,
            ids::BrokerEpoch,
            record::{MetadataRecord, NodeRegistration, Replica},
        },
    };

    const NODE: NodeId = NodeId(3);
    const CLUSTER: [u8; 16] = [9; 16];

    fn image(directories: &[u8]) -> ClusterImage {
        let mut image = ClusterImage::default();
        if directories.is_empty() {
            return image;
        }
        let node = NodeRegistration {
            id: NODE,
            epoch: BrokerEpoch(1),
            incarnation: Uuid::default(),
            cores: 1,
            directories: directories.iter().map(|number| id(&[*number; 16])).collect(),
            rack: None,
        };
        image.apply(&MetadataRecord::Cluster { id: Uuid(CLUSTER) }).expect("applies");
        image.apply(&MetadataRecord::Node(node)).expect("applies");
        image
    }

    fn identity(number: u8, others: Option<&[(u8, &str)]>) -> Contents {
        let other = |(number, path): &(u8, &str)| Remembered { id: [*number; 16], path: path.into() };
        let others = others.map(|others| others.iter().map(other).collect());
        let identity = Identity { id: [number; 16], cluster: CLUSTER, node: NODE.0, others };
        Contents { identity: Some(identity), shards: true }
    }

    fn empty() -> Contents {
        Contents::default()
    }

    fn old() -> Contents {
        Contents { identity: None, shards: true }
    }

    fn places(found: &[(&str, Result<Contents, &str>)]) -> Vec<Place> {
        let place = |(path, found): &(&str, Result<Contents, &str>)| Place {
            path: (*path).into(),
            found: found.clone().map_err(str::to_owned),
        };
        found.iter().map(place).collect()
    }

    fn planned(found: &[(&str, Result<Contents, &str>)], image: &ClusterImage) -> Result<Plan, Refusal> {
        let places = places(found);
        let mut number = 100;
        let mut draw = || {
            number += 1;
            u64::from_be_bytes([number; 8])
        };
        plan(&places, metadata_at(&places)?, (image, NODE), &mut draw)
    }

    fn states(plan: &Plan) -> Vec<&State> {
        plan.directories.iter().map(|one| &one.state).collect()
    }

    #[test]
    fn a_new_broker_has_its_metadata_in_the_first_directory_and_needs_all() {
        let plan = planned(&[("/a", Ok(empty())), ("/b", Ok(empty()))], &image(&[])).expect("starts");
        assert_eq!((plan.metadata, states(&plan)), (0, vec![&State::Known, &State::New]));
        assert_ne!(plan.directories[0].id, plan.directories[1].id);
        let refused = planned(&[("/a", Ok(empty())), ("/b", Err("cannot be read"))], &image(&[]));
        assert!(matches!(refused, Err(Refusal::Unusable(_))), "{refused:?}");
    }

    #[test]
    fn a_directory_that_was_a_brokers_only_one_stays_the_metadatas_wherever_it_is_in_the_list() {
        let plan = planned(&[("/b", Ok(empty())), ("/a", Ok(old()))], &image(&[1])).expect("starts");
        assert_eq!((plan.metadata, states(&plan)), (1, vec![&State::New, &State::Known]));
        assert_eq!(plan.directories[1].id, id(&[1; 16]));
        let cut_short = planned(&[("/b", Ok(identity(2, None))), ("/a", Ok(old()))], &image(&[])).expect("starts");
        assert_eq!(
            (cut_short.metadata, cut_short.cluster),
            (1, Uuid(CLUSTER)),
            "what was written before a crash counts"
        );
    }

    #[test]
    fn directories_are_known_wherever_they_are_mounted() {
        let main = identity(1, Some(&[(2, "/b"), (3, "/c")]));
        let found = [("/c", Ok(identity(2, None))), ("/a", Ok(main)), ("/b", Ok(identity(3, None)))];
        let plan = planned(&found, &image(&[1, 2, 3])).expect("starts");
        let ids: Vec<DirectoryId> = plan.directories.iter().map(|one| one.id).collect();
        assert_eq!(ids, [2, 1, 3].map(|number| id(&[number; 16])));
        assert_eq!(plan.moved.len(), 2);
        assert!(plan.left_out.is_empty() && states(&plan).iter().all(|state| **state == State::Known));
    }

    #[test]
    fn what_is_missing_or_empty_at_a_known_path_is_gone_and_keeps_its_id() {
        let main = || Ok(identity(1, Some(&[(2, "/b"), (3, "/c")])));
        for (there, why) in [(Err("cannot be read"), "cannot be read"), (Ok(empty()), "mount its disk again")] {
            let found = [("/a", main()), ("/b", there), ("/c", Ok(identity(3, None)))];
            let plan = planned(&found, &image(&[1, 2, 3])).expect("starts");
            let [State::Known, State::Gone(said), State::Known] = &states(&plan)[..] else { panic!("{plan:?}") };
            assert!(said.contains(why) && plan.directories[1].id == id(&[2; 16]), "{plan:?}");
        }
        let plan = planned(&[("/a", main()), ("/b", Ok(identity(3, None)))], &image(&[1, 2, 3])).expect("starts");
        assert_eq!(plan.left_out.keys().copied().collect::<Vec<_>>(), [id(&[2; 16])], "another disk is in its place");
        let plan = planned(&[("/a", main()), ("/new", Ok(empty()))], &image(&[1, 2, 3])).expect("starts");
        assert_eq!(plan.left_out.len(), 2);
        assert_eq!(states(&plan), [&State::Known, &State::New]);
        let refused = planned(&[("/a", main()), ("/new", Err("cannot be made"))], &image(&[1, 2, 3]));
        assert!(matches!(refused, Err(Refusal::Unusable(_))), "{refused:?}");
    }

    #[test]
    fn a_directory_that_lost_its_records_is_not_taken_for_a_new_one() {
        let without_records = |number, others| Contents { shards: false, ..identity(number, others) };
        let found = [("/a", Ok(identity(1, Some(&[])))), ("/b", Ok(without_records(2, None)))];
        let mut image = image(&[1, 2]);
        let unused = planned(&found, &image).expect("starts");
        assert_eq!(states(&unused), [&State::Known, &State::Known], "a crash came before the first record");
        let topic = TopicId([7; 16]);
        let replica = Replica { node: NODE, directory: id(&[2; 16]), core: CoreId(0) };
        image.apply(&MetadataRecord::Topic { id: topic, name: "t".to_owned() }).expect("applies");
        let state = new_partition(PartitionIndex(0), vec![replica], 1);
        image.apply(&MetadataRecord::Partition { topic, state }).expect("applies");
        let plan = planned(&found, &image).expect("starts");
        let [State::Known, State::Gone(why)] = &states(&plan)[..] else { panic!("{plan:?}") };
        assert!(why.contains("restore it"), "{why}");
        let refused = planned(&[("/a", Ok(without_records(1, Some(&[]))))], &image);
        assert_eq!(refused, Err(Refusal::Emptied("/a".into())));
    }

    #[test]
    fn foreign_directories_copies_and_two_brokers_are_refused_and_so_is_a_start_without_metadata() {
        let main = || Ok(identity(1, Some(&[(2, "/b")])));
        let refusal = |found: &[(&str, Result<Contents, &str>)]| {
            planned(found, &image(&[1, 2])).expect_err("refused").to_string()
        };
        let mut foreign = identity(2, None);
        foreign.identity.as_mut().expect("one").node = 4;
        assert!(refusal(&[("/a", main()), ("/b", Ok(foreign))]).contains("/b belongs to node 4"));
        let copies = [("/a", main()), ("/b", Ok(identity(2, None))), ("/c", Ok(identity(2, None)))];
        assert!(refusal(&copies).contains("/b and /c are copies"));
        assert!(refusal(&[("/a", main()), ("/b", Ok(old()))]).contains("of two brokers"));
        let without = refusal(&[("/a", Err("the directory /a cannot be used")), ("/b", Ok(identity(2, None)))]);
        assert!(without.contains("bring that one back") && without.contains("/a cannot be used"), "{without}");
    }
}
