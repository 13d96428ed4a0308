//! The records that coordinators keep in `__consumer_offsets`, `__transaction_state` and `__share_group_state`.
//!
//! A key is a type and the key's fields, a value a version and the value's fields; a record without a value is a
//! tombstone. The fields are those of the generated messages.

use crate::codec::{DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Message, Record};
use crate::messages::group_coordinator_classic::{GroupMetadataKey, LegacyOffsetCommitKey, OffsetCommitKey};
use crate::messages::group_coordinator_consumer::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupMemberMetadataKey, ConsumerGroupMetadataKey,
    ConsumerGroupPartitionMetadataKey, ConsumerGroupRegularExpressionKey, ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMetadataKey,
};
use crate::messages::group_coordinator_share::{
    ShareGroupCurrentMemberAssignmentKey, ShareGroupMemberMetadataKey, ShareGroupMetadataKey,
    ShareGroupStatePartitionMetadataKey, ShareGroupTargetAssignmentMemberKey, ShareGroupTargetAssignmentMetadataKey,
};
use crate::messages::group_coordinator_streams::{
    StreamsGroupCurrentMemberAssignmentKey, StreamsGroupMemberMetadataKey, StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey, StreamsGroupTargetAssignmentMetadataKey, StreamsGroupTopologyKey,
};
use bytes::Bytes;

/// The version of every key so far.
const KEY_VERSION: i16 = 0;

/// A key: its type, then its fields.
pub fn encode_key<K: Record>(key: &K) -> Result<Bytes, EncodeError> {
    encode_key_into(Vec::new(), key).map(Bytes::from)
}

/// As [`encode_key`], behind what `out` holds.
pub fn encode_key_into<K: Record>(out: Vec<u8>, key: &K) -> Result<Vec<u8>, EncodeError> {
    prefixed(out, K::TYPE, key, KEY_VERSION)
}

/// A value: its version, then its fields.
pub fn encode_value<V: Message>(value: &V, version: i16) -> Result<Bytes, EncodeError> {
    encode_value_into(Vec::new(), value, version).map(Bytes::from)
}

/// As [`encode_value`], behind what `out` holds.
pub fn encode_value_into<V: Message>(out: Vec<u8>, value: &V, version: i16) -> Result<Vec<u8>, EncodeError> {
    prefixed(out, version, value, version)
}

fn prefixed<M: Message>(out: Vec<u8>, prefix: i16, message: &M, version: i16) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::append_to(out);
    encoder.i16(prefix);
    message.encode(&mut encoder, version);
    encoder.finish_vec()
}

/// The type that a key begins with.
pub fn key_type(key: &Bytes) -> Result<i16, DecodeError> {
    Decoder::new(key).i16("key type")
}

/// A key of a known type.
pub fn decode_key<K: Record>(key: &Bytes) -> Result<K, DecodeError> {
    let mut decoder = Decoder::new(key);
    match decoder.i16("key type")? {
        found if found == K::TYPE => {}
        other => return Err(decoder.error(K::NAME, DecodeReason::Unknown(other))),
    }
    let decoded = K::decode(&mut decoder, KEY_VERSION)?;
    decoder.finish()?;
    Ok(decoded)
}

/// What consumers put into JoinGroup and SyncGroup: it begins with its version too, but a newer version is read as the
/// newest known, and bytes behind what we know are let pass.
pub fn decode_consumer_protocol<M: Message>(bytes: &Bytes) -> Result<M, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let version = decoder.i16("consumer protocol version")?;
    M::decode(&mut decoder, version.min(M::VERSIONS.1))
}

/// A value of a known type.
pub fn decode_value<V: Message>(value: &Bytes) -> Result<V, DecodeError> {
    let mut decoder = Decoder::new(value);
    let version = decoder.i16("value version")?;
    let decoded = V::decode(&mut decoder, version)?;
    decoder.finish()?;
    Ok(decoded)
}

macro_rules! group_keys {
    ($($variant:ident $key:ident,)*) => {
        /// A key of `__consumer_offsets`.
        #[derive(Clone, Debug, PartialEq)]
        pub enum GroupKey {
            $(
                #[doc = concat!("Its fields are those of [`", stringify!($key), "`].")]
                $variant($key),
            )*
        }

        impl GroupKey {
            /// Reads a key of any type; an unknown type is [`DecodeReason::Unknown`], to be skipped by who loads.
            pub fn decode(key: &Bytes) -> Result<Self, DecodeError> {
                match key_type(key)? {
                    $(<$key as Record>::TYPE => decode_key(key).map(GroupKey::$variant),)*
                    other => Err(Decoder::new(key).error("group key", DecodeReason::Unknown(other))),
                }
            }

            /// Writes the key.
            pub fn encode(&self) -> Result<Bytes, EncodeError> {
                match self {
                    $(GroupKey::$variant(key) => encode_key(key),)*
                }
            }
        }
    };
}

group_keys! {
    LegacyOffsetCommit LegacyOffsetCommitKey,
    OffsetCommit OffsetCommitKey,
    GroupMetadata GroupMetadataKey,
    ConsumerGroupMetadata ConsumerGroupMetadataKey,
    ConsumerGroupPartitionMetadata ConsumerGroupPartitionMetadataKey,
    ConsumerGroupMemberMetadata ConsumerGroupMemberMetadataKey,
    ConsumerGroupTargetAssignmentMetadata ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMember ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupCurrentMemberAssignment ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupRegularExpression ConsumerGroupRegularExpressionKey,
    ShareGroupMetadata ShareGroupMetadataKey,
    ShareGroupMemberMetadata ShareGroupMemberMetadataKey,
    ShareGroupTargetAssignmentMetadata ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMember ShareGroupTargetAssignmentMemberKey,
    ShareGroupCurrentMemberAssignment ShareGroupCurrentMemberAssignmentKey,
    ShareGroupStatePartitionMetadata ShareGroupStatePartitionMetadataKey,
    StreamsGroupMetadata StreamsGroupMetadataKey,
    StreamsGroupMemberMetadata StreamsGroupMemberMetadataKey,
    StreamsGroupTargetAssignmentMetadata StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMember StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupCurrentMemberAssignment StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupTopology StreamsGroupTopologyKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::group_coordinator_classic::OffsetCommitValue;

    #[test]
    fn a_committed_offset_looks_as_kafka_writes_it() {
        let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
        let bytes = encode_key(&key).unwrap();
        assert_eq!(&bytes[..], b"\0\x01\0\x01g\0\x01t\0\0\0\x03");
        assert_eq!(GroupKey::decode(&bytes), Ok(GroupKey::OffsetCommit(key)));
        let value = OffsetCommitValue { offset: 7, leader_epoch: 2, commit_timestamp: 9, ..Default::default() };
        let bytes = encode_value(&value, 3).unwrap();
        assert_eq!(&bytes[..], b"\0\x03\0\0\0\0\0\0\0\x07\0\0\0\x02\0\0\0\0\0\0\0\0\0\x09");
        assert_eq!(decode_value(&bytes), Ok(value));
    }

    #[test]
    fn unknown_types_and_versions_are_told() {
        let unknown = GroupKey::decode(&Bytes::from_static(b"\x7f\0")).unwrap_err();
        assert_eq!(unknown.reason, DecodeReason::Unknown(0x7f00));
        let newer = decode_value::<OffsetCommitValue>(&Bytes::from_static(b"\0\x09")).unwrap_err();
        assert_eq!(newer.reason, DecodeReason::UnsupportedVersion(9));
        assert!(GroupKey::decode(&Bytes::new()).is_err());
    }
}
