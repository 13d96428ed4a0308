//! What the cores count and time of the requests they serve.

use corelog_broker::metrics::{Stage, latency::Times, snapshot::CoreSnapshot};
use corelog_wire::{api::ApiKey, error_code::ErrorCode};

use super::{
    client::Client,
    cluster::{Cluster, batch, fetch, produce, start},
};

fn snapshots(cluster: &Cluster) -> Vec<CoreSnapshot> {
    cluster.cores.borrow().iter().map(|core| CoreSnapshot::take(core)).collect()
}

fn of(core: &CoreSnapshot, stage: Stage) -> &Times {
    &core.stages[stage as usize]
}

fn requests(core: &CoreSnapshot, api: ApiKey) -> u64 {
    core.apis.iter().find(|(key, _)| *key == api).map_or(0, |(_, times)| times.count())
}

#[test]
fn work_is_counted_on_the_core_that_did_it() {
    let cluster = start(3);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        client.call(9, &produce(&[(0, batch("a")), (1, batch("b"))], -1)).await;
        client.call(9, &produce(&[(99, batch("refused"))], -1)).await;
        client.call(12, &fetch(&[(0, 0), (1, 0)], 1, 1000)).await;
    });
    let cores = snapshots(&cluster);
    let (asked, other): (Vec<_>, Vec<_>) = cores.iter().partition(|core| core.counts.connections > 0);
    let (asked, other) = (asked[0], other[0]);
    assert_eq!((requests(asked, ApiKey::Produce), requests(asked, ApiKey::Fetch)), (2, 1));
    assert_eq!((requests(other, ApiKey::Produce), requests(other, ApiKey::Fetch)), (0, 0));
    assert_eq!(asked.errors, [(ApiKey::Produce, ErrorCode::UnknownTopicOrPartition, 1)]);
    assert_eq!((of(asked, Stage::Queue).count(), of(other, Stage::Queue).count()), (3, 0));
    assert_eq!((of(asked, Stage::Socket).count(), of(other, Stage::Socket).count()), (3, 0));
    // Produce, and the beginning and the end of a fetch.
    assert_eq!((of(asked, Stage::Router).count(), of(other, Stage::Router).count()), (0, 3));
    let size = batch("a").len() as u64;
    for core in &cores {
        assert_eq!((core.counts.appended_records, core.counts.appended_bytes), (1, size));
        assert_eq!(of(core, Stage::Ack).count(), 1);
        assert!(of(core, Stage::Journal).count() >= 1 && core.counts.journal_bytes >= 4096);
        assert!(of(core, Stage::Ack).seconds() > 0.0 && of(core, Stage::Journal).seconds() > 0.0);
    }
    assert_eq!((asked.counts.fetched_bytes, other.counts.fetched_bytes), (2 * size, 0));
    assert!(asked.counts.sent_bytes > 2 * size && asked.counts.received_bytes > 3 * size);
    assert_eq!((other.counts.sent_bytes, other.counts.received_bytes), (0, 0));
}

#[test]
fn a_fetch_that_waits_is_timed_with_its_wait() {
    let cluster = start(4);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        client.call(12, &fetch(&[(0, 0)], 1, 2000)).await;
    });
    let times: Vec<f64> =
        snapshots(&cluster).iter().flat_map(|core| core.apis.clone()).map(|api| api.1.seconds()).collect();
    assert!(times.len() == 1 && (1.75..2.5).contains(&times[0]), "{times:?}");
}
