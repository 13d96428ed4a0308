//! A coordinator's records as Kafka writes them to `__consumer_offsets`, so that either reads what the other wrote.
//!
//! Versions are those of Kafka 4.4: offsets in version 4, or 1 if the client set an expiry of its own; groups in
//! version 3. Records of protocols that this coordinator does not run are passed over when a partition is loaded.

use bytes::Bytes;
use corelog_storage::{
    batch::Header,
    error::BatchError,
    ids::{Timestamp, TopicId},
    record::{self, BatchBuilder},
};
use corelog_wire::{
    Uuid,
    codec::{DecodeError, EncodeError},
    coordinator::{GroupKey, decode_value, encode_key_into, encode_value_into},
    messages::group_coordinator_classic::{
        GroupMetadataKey, GroupMetadataValue, LegacyOffsetCommitValue, MemberMetadata, OffsetCommitKey,
        OffsetCommitValue,
    },
};

use super::{
    call::Client,
    names::Generation,
    record::{Record, StoredGroup, StoredMember, StoredOffset},
};

const GROUP_VERSION: i16 = 3;
const OFFSET_VERSION: i16 = 4;
/// The last version with an expiry of the client's own.
const EXPIRING_OFFSET_VERSION: i16 = 1;

/// One batch with these records, all of this time (ms since 1970).
pub(super) fn encode_batch(records: &[Record], wall_ms: i64) -> Result<Bytes, EncodeError> {
    let mut batch = BatchBuilder::with_room(records.iter().map(Record::size_bound).sum());
    let mut encoded = Vec::new();
    for record in records {
        encoded.clear();
        let (bytes, key) = encode(record, encoded)?;
        let value = (key < bytes.len()).then(|| &bytes[key..]);
        batch.push(Timestamp(wall_ms), Some(&bytes[..key]), value);
        encoded = bytes;
    }
    Ok(batch.build())
}

/// Key and value, one behind the other in the empty `out`; and the key's length. A value has at least its version.
fn encode(record: &Record, out: Vec<u8>) -> Result<(Vec<u8>, usize), EncodeError> {
    let key = match record {
        Record::Offset { group, topic, partition, .. } => {
            let (group, topic) = (group.as_str().to_owned(), topic.as_str().to_owned());
            encode_key_into(out, &OffsetCommitKey { group, topic, partition: *partition })?
        }
        Record::Group { group, .. } => encode_key_into(out, &GroupMetadataKey { group: group.as_str().to_owned() })?,
    };
    let len = key.len();
    let both = match record {
        Record::Offset { value: Some(value), .. } => encode_offset(value, key)?,
        Record::Group { value: Some(value), .. } => encode_group(value, key)?,
        Record::Offset { value: None, .. } | Record::Group { value: None, .. } => key,
    };
    Ok((both, len))
}

fn encode_offset(offset: &StoredOffset, out: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
    let value = OffsetCommitValue {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata.clone(),
        commit_timestamp: offset.committed_at_ms,
        expire_timestamp: offset.expires_at_ms.unwrap_or(-1),
        topic_id: Uuid(offset.topic_id.0),
    };
    encode_value_into(
        out,
        &value,
        if offset.expires_at_ms.is_some() { EXPIRING_OFFSET_VERSION } else { OFFSET_VERSION },
    )
}

fn encode_group(group: &StoredGroup, out: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
    let members = group.members.iter().map(|member| MemberMetadata {
        member_id: member.member.to_string(),
        group_instance_id: member.instance.as_ref().map(ToString::to_string),
        client_id: member.client.id.clone(),
        client_host: member.client.host.clone(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
    });
    let value = GroupMetadataValue {
        protocol_type: group.protocol_type.clone(),
        generation: group.generation.0,
        protocol: group.protocol.as_ref().map(ToString::to_string),
        leader: group.leader.as_ref().map(ToString::to_string),
        current_state_timestamp: group.state_since_ms.unwrap_or(-1),
        members: members.collect(),
    };
    encode_value_into(out, &value, GROUP_VERSION)
}

/// A batch of the partition that cannot be read.
#[derive(Debug)]
pub(super) enum LoadError {
    /// The batch itself.
    Batch(BatchError),
    /// A record in it.
    Record(DecodeError),
}

impl From<BatchError> for LoadError {
    fn from(error: BatchError) -> Self {
        Self::Batch(error)
    }
}

impl From<DecodeError> for LoadError {
    fn from(error: DecodeError) -> Self {
        Self::Record(error)
    }
}

/// Calls `each` with every record of ours in `batches`, which holds whole batches; returns how many others there were.
pub(super) fn decode_batches(mut batches: Bytes, mut each: impl FnMut(Record)) -> Result<usize, LoadError> {
    let mut passed_over = 0;
    while !batches.is_empty() {
        let header = Header::parse(&batches)?;
        let size = header.size as usize;
        if size > batches.len() {
            return Err(BatchError::Records("a batch is cut off").into());
        }
        let batch = batches.split_to(size);
        // Markers and offsets of transactions: there are no transactions yet, so nobody could have been promised them.
        if header.is_control() || header.is_transactional() {
            passed_over += header.records.max(0) as usize;
            continue;
        }
        let body = record::body(&header, &batch)?;
        for found in record::records(&body, header.records) {
            let found = found?;
            let key = found.key.ok_or(BatchError::Records("a record without a key"))?;
            let value = found.value.map(|value| body.slice_ref(value));
            match decode(&body.slice_ref(key), value)? {
                Some(record) => each(record),
                None => passed_over += 1,
            }
        }
    }
    Ok(passed_over)
}

/// One record; `None` if it is of a kind that this coordinator does not keep.
fn decode(key: &Bytes, value: Option<Bytes>) -> Result<Option<Record>, DecodeError> {
    match GroupKey::decode(key) {
        Ok(GroupKey::OffsetCommit(key)) => Ok(Some(Record::Offset {
            group: key.group.into(),
            topic: key.topic.into(),
            partition: key.partition,
            value: value.map(|value| decode_value(&value).map(stored_offset)).transpose()?,
        })),
        Ok(GroupKey::LegacyOffsetCommit(key)) => Ok(Some(Record::Offset {
            group: key.group.into(),
            topic: key.topic.into(),
            partition: key.partition,
            value: value.map(|value| decode_value(&value).map(stored_legacy_offset)).transpose()?,
        })),
        Ok(GroupKey::GroupMetadata(key)) => Ok(Some(Record::Group {
            group: key.group.into(),
            value: value.map(|value| decode_value(&value).map(stored_group)).transpose()?,
        })),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.reason, corelog_wire::codec::DecodeReason::Unknown(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn stored_offset(value: OffsetCommitValue) -> StoredOffset {
    StoredOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata,
        committed_at_ms: value.commit_timestamp,
        expires_at_ms: (value.expire_timestamp != -1).then_some(value.expire_timestamp),
        topic_id: TopicId(value.topic_id.0),
    }
}

fn stored_legacy_offset(value: LegacyOffsetCommitValue) -> StoredOffset {
    StoredOffset {
        offset: value.offset,
        leader_epoch: -1,
        metadata: value.metadata,
        committed_at_ms: value.commit_timestamp,
        expires_at_ms: None,
        topic_id: TopicId::default(),
    }
}

fn stored_group(value: GroupMetadataValue) -> StoredGroup {
    let members = value.members.into_iter().map(|member| StoredMember {
        member: member.member_id.into(),
        instance: member.group_instance_id.map(Into::into),
        client: Client { id: member.client_id, host: member.client_host },
        // Version 0 had none.
        rebalance_timeout_ms: if member.rebalance_timeout < 0 {
            member.session_timeout
        } else {
            member.rebalance_timeout
        },
        session_timeout_ms: member.session_timeout,
        // Not a part of what was read of the log, which would be kept whole.
        subscription: Bytes::copy_from_slice(&member.subscription),
        assignment: Bytes::copy_from_slice(&member.assignment),
    });
    StoredGroup {
        protocol_type: value.protocol_type,
        generation: Generation(value.generation),
        protocol: value.protocol.map(Into::into),
        leader: value.leader.map(Into::into),
        state_since_ms: (value.current_state_timestamp >= 0).then_some(value.current_state_timestamp),
        members: members.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka 4.3.1 wrote to its `__consumer_offsets` for one static member of one group: the group's first
    /// generation, two offsets, the group empty again.
    const OF_KAFKA: &[&str] = &[
        "0000000000000001000001200000000002b218c48e000000000000000001a207d0616f000001a207d0616fffffffffff\
         ffffffffff0000000000000001da030000000c000200026731c00300030008636f6e73756d657200000001000572616e\
         6765002a696e7374312d34343963646464362d316234652d346132352d383365652d6438633432393039653435310000\
         01a207d0615200000001002a696e7374312d34343963646464362d316234652d346132352d383365652d643863343239\
         3039653435310005696e7374310010636f6e736f6c652d636f6e73756d6572000a2f3132372e302e302e31000493e000\
         00afc800000017000300000001000174ffffffff00000000ffffffffffff000000190003000000010001740000000200\
         00000000000001ffffffff00",
        "0000000000000002000000ad00000000028668c5de000000000001000001a207d06224000001a207d06224ffffffffff\
         ffffffffff00000000000000027a0000001a00010002673100017400000001540004000000000000000a000000000100\
         0001a207d0621b010010cdb85a04bbef48348db0ee127e5ee8d7007a0000021a00010002673100017400000000540004\
         0000000000000000ffffffff01000001a207d0621b010010cdb85a04bbef48348db0ee127e5ee8d700",
        "00000000000000040000005e00000000027111d4ab000000000000000001a207d111e5000001a207d111e5ffffffffff\
         ffffffffff0000000000000001580000000c0002000267314000030008636f6e73756d657200000002ffffffff000001\
         a207d111e50000000000",
    ];

    fn bytes(hex: &str) -> Bytes {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    fn decoded(batch: Bytes) -> Vec<Record> {
        let mut records = Vec::new();
        assert_eq!(decode_batches(batch, |record| records.push(record)).unwrap(), 0);
        records
    }

    #[test]
    fn what_kafka_wrote_is_read() {
        let group = decoded(bytes(OF_KAFKA[0]));
        let [Record::Group { group, value: Some(stored) }] = &group[..] else { panic!("{group:?}") };
        assert_eq!((group.as_str(), stored.generation, stored.members.len()), ("g1", Generation(1), 1));
        assert_eq!(stored.members[0].instance, Some("inst1".into()));
        assert_eq!(stored.members[0].client.host, "/127.0.0.1");
        assert_eq!((stored.members[0].rebalance_timeout_ms, stored.members[0].session_timeout_ms), (300_000, 45_000));
        let offsets = decoded(bytes(OF_KAFKA[1]));
        let [Record::Offset { partition: 1, value: Some(one), .. }, Record::Offset { partition: 0, .. }] = &offsets[..]
        else {
            panic!("{offsets:?}")
        };
        assert_eq!((one.offset, one.leader_epoch, one.topic_id.0[0]), (10, 0, 0xcd));
        let empty = decoded(bytes(OF_KAFKA[2]));
        let [Record::Group { value: Some(stored), .. }] = &empty[..] else { panic!("{empty:?}") };
        assert_eq!((stored.generation, &stored.protocol, stored.members.len()), (Generation(2), &None, 0));
    }

    #[test]
    fn what_is_written_has_kafkas_bytes() {
        for hex in OF_KAFKA {
            let theirs = bytes(hex);
            let base = Header::parse(&theirs).unwrap();
            let ours = encode_batch(&decoded(theirs.clone()), base.base_timestamp.0).unwrap();
            let records = |batch: &Bytes| record::body(&Header::parse(batch).unwrap(), batch).unwrap();
            assert_eq!(records(&ours), records(&theirs));
        }
    }

    #[test]
    fn records_survive_the_way_there_and_back() {
        let offset = StoredOffset {
            offset: 7,
            leader_epoch: -1,
            metadata: "m".into(),
            committed_at_ms: 1,
            expires_at_ms: Some(99),
            topic_id: TopicId::default(),
        };
        let records = vec![
            Record::Offset { group: "g".into(), topic: "t".into(), partition: 1, value: Some(offset) },
            Record::Offset { group: "g".into(), topic: "t".into(), partition: 1, value: None },
            Record::Group { group: "g".into(), value: None },
        ];
        assert_eq!(decoded(encode_batch(&records, 5).unwrap()), records);
    }
}
