//! Produce and Fetch by hand say what the generated messages say, byte for byte, in every version.

mod support;

use bytes::Bytes;
use corelog_wire::api::ApiKey;
use corelog_wire::fetch::{FetchResponseHead, FetchResponseWriter, FetchView, PartitionAnswer};
use corelog_wire::messages::{FetchRequest, FetchResponse, ProduceRequest, ProduceResponse, fetch, produce};
use corelog_wire::produce::{PartitionOutcome, ProduceResponseWriter, ProduceView};
use corelog_wire::{Message, Uuid, frame};
use corelog_wire_codegen::schema::File;
use std::sync::LazyLock;
use support::Random;

const ROUNDS: u64 = 40;

fn random(name: &str, version: i16, seed: u64) -> Bytes {
    static DEFINITIONS: LazyLock<Vec<File>> = LazyLock::new(support::definitions);
    let message = DEFINITIONS.iter().flat_map(|file| &file.messages).find(|m| m.name() == name).unwrap();
    Bytes::from(support::message(message, version, 4, &mut Random(seed)))
}

#[test]
fn a_produce_request_reads_the_same_both_ways() {
    for version in 3..=13 {
        for seed in 0..ROUNDS {
            let bytes = random("ProduceRequest", version, seed);
            let owned = ProduceRequest::from_bytes(&bytes, version).unwrap();
            let view = ProduceView::decode(&bytes, 0, version).unwrap();
            assert_eq!(view.transactional_id(), owned.transactional_id.as_deref());
            assert_eq!((view.acks, view.timeout_ms), (owned.acks, owned.timeout_ms));
            assert_eq!(view.topics().len(), owned.topic_data.len());
            for (ours, theirs) in view.topics().zip(&owned.topic_data) {
                assert_eq!((ours.name, ours.topic_id), (&*theirs.name, theirs.topic_id));
                assert_eq!(ours.partitions.len(), theirs.partition_data.len());
                for (ours, theirs) in ours.partitions.zip(&theirs.partition_data) {
                    assert_eq!((ours.index, ours.records), (theirs.index, theirs.records.clone()));
                }
            }
        }
    }
}

#[test]
fn records_of_a_produce_request_are_slices_of_its_frame() {
    let partition = produce::PartitionProduceData { index: 1, records: Some(Bytes::from_static(b"batch")) };
    let topic = produce::TopicProduceData { name: "t".into(), partition_data: vec![partition], ..Default::default() };
    let bytes = ProduceRequest { topic_data: vec![topic], ..Default::default() }.to_bytes(9).unwrap();
    let view = ProduceView::decode(&bytes, 0, 9).unwrap();
    let records = view.topics().next().unwrap().partitions.next().unwrap().records.unwrap();
    assert!(bytes.as_ptr_range().contains(&records.as_ptr()));
}

#[test]
fn a_produce_response_is_written_the_same_both_ways() {
    for version in 3..=13 {
        for seed in 0..ROUNDS {
            let bytes = random("ProduceResponse", version, seed);
            let owned = ProduceResponse::from_bytes(&bytes, version).unwrap();
            let mut writer = ProduceResponseWriter::new(version, 7, owned.responses.len());
            for topic in &owned.responses {
                writer.topic(&topic.name, topic.topic_id, topic.partition_responses.len());
                for p in &topic.partition_responses {
                    let errors: Vec<_> = p
                        .record_errors
                        .iter()
                        .map(|e| (e.batch_index, e.batch_index_error_message.as_deref()))
                        .collect();
                    let leader = &p.current_leader;
                    writer.partition(&PartitionOutcome {
                        base_offset: p.base_offset,
                        log_append_time_ms: p.log_append_time_ms,
                        log_start_offset: p.log_start_offset,
                        record_errors: &errors,
                        error_message: p.error_message.as_deref(),
                        current_leader: (*leader != produce::LeaderIdAndEpoch::default())
                            .then_some((leader.leader_id, leader.leader_epoch)),
                        ..PartitionOutcome::error(p.index, p.error_code)
                    });
                }
            }
            let ours = writer.finish(owned.throttle_time_ms, &owned.node_endpoints).unwrap();
            assert_eq!(ours, frame::response(ApiKey::Produce, version, 7, &owned).unwrap(), "v{version} seed {seed}");
        }
    }
}

#[test]
fn a_fetch_request_reads_the_same_both_ways() {
    for version in 4..=18 {
        for seed in 0..ROUNDS {
            let bytes = random("FetchRequest", version, seed);
            let owned = FetchRequest::from_bytes(&bytes, version).unwrap();
            let view = FetchView::decode(&bytes, 0, version).unwrap();
            let replica = if version >= 15 { owned.replica_state.replica_id } else { owned.replica_id };
            assert_eq!((view.replica_id, view.replica_epoch), (replica, owned.replica_state.replica_epoch));
            assert_eq!((view.max_wait_ms, view.min_bytes), (owned.max_wait_ms, owned.min_bytes));
            assert_eq!((view.max_bytes, view.isolation_level), (owned.max_bytes, owned.isolation_level));
            assert_eq!((view.session_id, view.session_epoch), (owned.session_id, owned.session_epoch));
            assert_eq!((&view.rack_id, &view.cluster_id), (&owned.rack_id, &owned.cluster_id));
            let ours: Vec<_> = view.topics().map(|t| (t.name, t.topic_id, t.partitions.collect::<Vec<_>>())).collect();
            let theirs: Vec<_> = owned.topics.iter().map(|t| (&*t.topic, t.topic_id, t.partitions.clone())).collect();
            assert_eq!(ours, theirs);
            let ours: Vec<_> =
                view.forgotten().map(|t| (t.name, t.topic_id, t.partitions.collect::<Vec<_>>())).collect();
            let theirs = owned.forgotten_topics_data.iter();
            let theirs: Vec<_> = theirs.map(|t| (&*t.topic, t.topic_id, t.partitions.clone())).collect();
            assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn a_fetch_response_is_written_the_same_both_ways() {
    for version in 4..=18 {
        for seed in 0..ROUNDS {
            let bytes = random("FetchResponse", version, seed);
            let mut owned = FetchResponse::from_bytes(&bytes, version).unwrap();
            for partition in owned.responses.iter_mut().flat_map(|t| &mut t.partitions) {
                // Brokers have no snapshots to name, and send no records rather than null.
                partition.snapshot_id = Default::default();
                partition.records.get_or_insert_default();
            }
            let chain = fetch_chain(&owned, version);
            let expected = frame::response(ApiKey::Fetch, version, 7, &owned).unwrap();
            assert_eq!(Bytes::from(chain.concat()), expected, "v{version} seed {seed}");
        }
    }
}

/// Writes with records cut into pieces of three bytes.
fn fetch_chain(owned: &FetchResponse, version: i16) -> Vec<Bytes> {
    let head = FetchResponseHead {
        correlation_id: 7,
        throttle_time_ms: owned.throttle_time_ms,
        error_code: owned.error_code,
        session_id: owned.session_id,
    };
    let mut writer = FetchResponseWriter::new(version, head, owned.responses.len());
    for topic in &owned.responses {
        writer.topic(&topic.topic, topic.topic_id, topic.partitions.len());
        for p in &topic.partitions {
            let records = p.records.clone().unwrap();
            let pieces = (0..records.len()).step_by(3).map(|at| records.slice(at..records.len().min(at + 3)));
            let aborted = |list: &Vec<fetch::AbortedTransaction>| -> Vec<_> {
                list.iter().map(|t| (t.producer_id, t.first_offset)).collect()
            };
            let aborted = p.aborted_transactions.as_ref().map(aborted);
            let (diverging, leader) = (&p.diverging_epoch, &p.current_leader);
            let answer = PartitionAnswer {
                high_watermark: p.high_watermark,
                last_stable_offset: p.last_stable_offset,
                log_start_offset: p.log_start_offset,
                diverging_epoch: (*diverging != Default::default()).then_some((diverging.epoch, diverging.end_offset)),
                current_leader: (*leader != Default::default()).then_some((leader.leader_id, leader.leader_epoch)),
                aborted_transactions: aborted.as_deref(),
                preferred_read_replica: p.preferred_read_replica,
                ..PartitionAnswer::error(p.partition_index, p.error_code)
            };
            writer.partition(&answer, pieces);
        }
    }
    writer.finish(&owned.node_endpoints).unwrap()
}

#[test]
fn records_of_a_fetch_response_are_not_copied() {
    let records = Bytes::from(vec![7; 10_000]);
    let mut writer = FetchResponseWriter::new(17, FetchResponseHead::default(), 1);
    writer.topic("", Uuid([1; 16]), 1);
    writer.partition(&PartitionAnswer::error(0, 0), [records.clone()]);
    let chain = writer.finish(&[]).unwrap();
    assert_eq!(chain.len(), 3);
    assert_eq!(chain[1].as_ptr(), records.as_ptr());
    let announced = i32::from_be_bytes(chain[0][..4].try_into().unwrap()) as usize;
    assert_eq!(announced + 4, chain.iter().map(Bytes::len).sum());
}
