//! Generated from `schemas/kafka/consumer_group_describe.kafka` (FNV-1a b8bcea798727cac0); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeRequest {
    pub group_ids: Vec<String>,
    pub include_authorized_operations: bool,
}

impl Fields for ConsumerGroupDescribeRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_ids = d.array(v, "group_ids")?;
        self.include_authorized_operations = d.bool("include_authorized_operations")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.group_ids, v, "group_ids");
        e.bool(self.include_authorized_operations);
        e.no_tags();
    }
}

impl Message for ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribeRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeResponse {
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Fields for ConsumerGroupDescribeResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.groups = d.array(v, "groups")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.groups, v, "groups");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    pub topic_id: Uuid,
    pub topic_name: String,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartitions {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.topic_name = d.string("topic_name")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, "topic_name");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Fields for Assignment {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_partitions = d.array(v, "topic_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topic_partitions, v, "topic_partitions");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub group_epoch: i32,
    pub assignment_epoch: i32,
    pub assignor_name: String,
    pub members: Vec<Member>,
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            group_epoch: Default::default(),
            assignment_epoch: Default::default(),
            assignor_name: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Fields for DescribedGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.group_id = d.string("group_id")?;
        self.group_state = d.string("group_state")?;
        self.group_epoch = d.i32("group_epoch")?;
        self.assignment_epoch = d.i32("assignment_epoch")?;
        self.assignor_name = d.string("assignor_name")?;
        self.members = d.array(v, "members")?;
        self.authorized_operations = d.i32("authorized_operations")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.string(&self.group_id, "group_id");
        e.string(&self.group_state, "group_state");
        e.i32(self.group_epoch);
        e.i32(self.assignment_epoch);
        e.string(&self.assignor_name, "assignor_name");
        e.array(&self.members, v, "members");
        e.i32(self.authorized_operations);
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub member_epoch: i32,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    pub subscribed_topic_regex: Option<String>,
    pub assignment: Assignment,
    pub target_assignment: Assignment,
    /// Version 1 only.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            member_epoch: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            assignment: Default::default(),
            target_assignment: Default::default(),
            member_type: -1,
        }
    }
}

impl Fields for Member {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.subscribed_topic_names = d.array(v, "subscribed_topic_names")?;
        self.subscribed_topic_regex = d.nullable_string(true, "subscribed_topic_regex")?;
        self.assignment.read(d, v)?;
        self.target_assignment.read(d, v)?;
        if v >= 1 {
            self.member_type = d.i8("member_type")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.i32(self.member_epoch);
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.array(&self.subscribed_topic_names, v, "subscribed_topic_names");
        e.nullable_string(true, self.subscribed_topic_regex.as_deref(), "subscribed_topic_regex");
        self.assignment.write(e, v);
        self.target_assignment.write(e, v);
        if v >= 1 {
            e.i8(self.member_type);
        }
        e.no_tags();
    }
}

impl Message for ConsumerGroupDescribeResponse {
    const NAME: &'static str = "ConsumerGroupDescribeResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ConsumerGroupDescribeRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ConsumerGroupDescribe;
    type Response = ConsumerGroupDescribeResponse;
}
