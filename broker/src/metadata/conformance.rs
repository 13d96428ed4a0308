//! What every [`MetadataLog`] keeps, as a suite that any implementation is run through. Whoever adds an implementation
//! adds a test that calls [`run`], and one that crashes while steps are proposed and then calls [`check_reopened`].

use std::sync::Arc;

use corelog_storage::ids::{ProducerId, TopicId};

use crate::metadata::{
    image::{ClusterImage, ImageVersion},
    log::{MetadataError, MetadataLog},
    record::MetadataRecord,
};

/// The steps of the suite: topic N is created, and as many producer ids are taken. One step is two records, so that
/// half a step would be seen.
pub fn step(number: u64) -> Vec<MetadataRecord> {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&(number + 2).to_be_bytes());
    vec![
        MetadataRecord::Topic { id: TopicId(id), name: format!("topic-{number}") },
        MetadataRecord::ProducerIds { next: ProducerId(number as i64 + 1) },
    ]
}

/// How many steps an image holds; panics if it holds anything but the first so many, whole.
pub fn steps_in(image: &ClusterImage) -> u64 {
    let steps = image.topic_count() as u64;
    let expected = (0..steps).flat_map(step).fold(ClusterImage::default(), |mut image, record| {
        image.apply(&record).expect("the suite's steps apply");
        image
    });
    assert_eq!(*image, expected, "an image is the outcome of a prefix of whole steps");
    steps
}

/// Everything that can be asked of a log that works. `log` is empty.
pub async fn run<L: MetadataLog>(log: &L) {
    assert_eq!(log.image().version(), ImageVersion(0));
    for number in 0..100 {
        let version = log.propose(step(number)).await.expect("committed");
        assert_eq!(version, ImageVersion(2 * (number + 1)), "versions count records");
        assert_eq!(steps_in(&log.image()), number + 1, "committed is visible");
    }
    refuses_what_does_not_fit(log).await;
    gives_every_step_in_order(log).await;
    snapshots_change_nothing(log).await;
}

async fn refuses_what_does_not_fit<L: MetadataLog>(log: &L) {
    let mut torn = step(100);
    torn.extend(step(0));
    assert!(matches!(log.propose(torn).await, Err(MetadataError::Rejected(_))));
    assert_eq!(steps_in(&log.image()), 100, "not even the part that fits");
}

async fn gives_every_step_in_order<L: MetadataLog>(log: &L) {
    let from = log.image().version();
    for number in 100..110 {
        log.propose(step(number)).await.expect("committed");
    }
    let mut version = from;
    for number in 100..110 {
        let committed = log.next(version).await.expect("there is a step");
        assert_eq!(committed.records, Some(Arc::from(step(number))));
        assert_eq!(steps_in(&committed.image), number + 1);
        version = committed.image.version();
    }
    let late = log.next(ImageVersion(0)).await.expect("there is an image");
    assert_eq!((late.image, late.records), (log.image(), None), "who is far behind takes the image whole");
}

async fn snapshots_change_nothing<L: MetadataLog>(log: &L) {
    let before = log.image();
    log.snapshot().await.expect("written");
    assert_eq!(log.image(), before);
    log.propose(step(110)).await.expect("committed");
    assert_eq!(steps_in(&log.image()), 111);
}

/// A reopened log holds every step that was acknowledged, and of the others a prefix.
pub fn check_reopened<L: MetadataLog>(log: &L, acknowledged: u64, proposed: u64) -> u64 {
    let found = steps_in(&log.image());
    assert!(found >= acknowledged, "{acknowledged} steps were acknowledged, {found} are there");
    assert!(found <= proposed, "{proposed} steps were proposed, {found} are there");
    found
}
