//! Reads and writes a message of any kind by its name.

pub(crate) type Recode = fn(&bytes::Bytes, i16) -> Result<bytes::Bytes, String>;

/// Reads a message that fills the bytes and writes it again.
fn recode<M: corelog_wire::Message>(bytes: &bytes::Bytes, version: i16) -> Result<bytes::Bytes, String> {
    let message = M::from_bytes(bytes, version).map_err(|e| e.to_string())?;
    message.to_bytes(version).map_err(|e| e.to_string())
}

macro_rules! recoders {
    ($($api:ident $request:ident $response:ident,)*) => {
        /// How to read and write each request and response.
        pub(crate) fn recoder(name: &str) -> Option<Recode> {
            $(
                if name == stringify!($request) {
                    return Some(recode::<corelog_wire::messages::$request>);
                }
                if name == stringify!($response) {
                    return Some(recode::<corelog_wire::messages::$response>);
                }
            )*
            record_recoder(name)
        }
    };
}

corelog_wire::for_each_api!(recoders);

macro_rules! record_recoders {
    ($($module:ident { $($message:ident)* })*) => {
        fn record_recoder(name: &str) -> Option<Recode> {
            $($(
                if name == stringify!($message) {
                    return Some(recode::<corelog_wire::messages::$module::$message>);
                }
            )*)*
            None
        }
    };
}

record_recoders! {
    consumer_protocol {
        ConsumerProtocolSubscription
        ConsumerProtocolAssignment
    }
    control_records {
        ControlRecordTypeSchema
        EndTxnMarker
        LeaderChangeMessage
        AbortedTxn
    }
    group_coordinator_classic {
        GroupMetadataKey
        GroupMetadataValue
        LegacyOffsetCommitKey
        LegacyOffsetCommitValue
        OffsetCommitKey
        OffsetCommitValue
    }
    group_coordinator_consumer {
        ConsumerGroupCurrentMemberAssignmentKey
        ConsumerGroupCurrentMemberAssignmentValue
        ConsumerGroupMemberMetadataKey
        ConsumerGroupMemberMetadataValue
        ConsumerGroupMetadataKey
        ConsumerGroupMetadataValue
        ConsumerGroupPartitionMetadataKey
        ConsumerGroupPartitionMetadataValue
        ConsumerGroupRegularExpressionKey
        ConsumerGroupRegularExpressionValue
        ConsumerGroupTargetAssignmentMemberKey
        ConsumerGroupTargetAssignmentMemberValue
        ConsumerGroupTargetAssignmentMetadataKey
        ConsumerGroupTargetAssignmentMetadataValue
    }
    group_coordinator_share {
        ShareGroupCurrentMemberAssignmentKey
        ShareGroupCurrentMemberAssignmentValue
        ShareGroupMemberMetadataKey
        ShareGroupMemberMetadataValue
        ShareGroupMetadataKey
        ShareGroupMetadataValue
        ShareGroupStatePartitionMetadataKey
        ShareGroupStatePartitionMetadataValue
        ShareGroupTargetAssignmentMemberKey
        ShareGroupTargetAssignmentMemberValue
        ShareGroupTargetAssignmentMetadataKey
        ShareGroupTargetAssignmentMetadataValue
    }
    group_coordinator_streams {
        StreamsGroupCurrentMemberAssignmentKey
        StreamsGroupCurrentMemberAssignmentValue
        StreamsGroupMemberMetadataKey
        StreamsGroupMemberMetadataValue
        StreamsGroupMetadataKey
        StreamsGroupMetadataValue
        StreamsGroupTargetAssignmentMemberKey
        StreamsGroupTargetAssignmentMemberValue
        StreamsGroupTargetAssignmentMetadataKey
        StreamsGroupTargetAssignmentMetadataValue
        StreamsGroupTopologyKey
        StreamsGroupTopologyValue
    }
    principal {
        DefaultPrincipalData
    }
    share_coordinator {
        ShareSnapshotKey
        ShareSnapshotValue
        ShareUpdateKey
        ShareUpdateValue
    }
    transaction_coordinator {
        TransactionLogKey
        TransactionLogValue
    }
}
