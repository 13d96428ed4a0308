//! Generated from `schemas/kafka/streams_group_topology_description_update.kafka` (FNV-1a 734debd0c0a0caa5); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyDescriptionUpdateRequest {
    pub group_id: String,
    pub member_id: String,
    pub topology_epoch: i32,
    pub topology_description: TopologyDescription,
}

impl Fields for StreamsGroupTopologyDescriptionUpdateRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        self.topology_epoch = d.i32("topology_epoch")?;
        self.topology_description.read(d, v)?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
        e.i32(self.topology_epoch);
        self.topology_description.write(e, v);
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyDescriptionUpdateRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescription {
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
}

impl Fields for TopologyDescription {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopologies = d.array(v, "subtopologies")?;
        self.global_stores = d.array(v, "global_stores")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.subtopologies, v, "subtopologies");
        e.array(&self.global_stores, v, "global_stores");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyDescriptionUpdateRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionSubtopology {
    pub subtopology_id: String,
    pub nodes: Vec<TopologyDescriptionNode>,
}

impl Fields for TopologyDescriptionSubtopology {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.nodes = d.array(v, "nodes")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.nodes, v, "nodes");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyDescriptionUpdateRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionNode {
    pub name: String,
    pub node_type: i8,
    pub source_topics: Vec<String>,
    pub sink_topic: Option<String>,
    pub stores: Vec<String>,
    pub successors: Vec<String>,
}

impl Fields for TopologyDescriptionNode {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.node_type = d.i8("node_type")?;
        self.source_topics = d.array(v, "source_topics")?;
        self.sink_topic = d.nullable_string(true, "sink_topic")?;
        self.stores = d.array(v, "stores")?;
        self.successors = d.array(v, "successors")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.i8(self.node_type);
        e.array(&self.source_topics, v, "source_topics");
        e.nullable_string(true, self.sink_topic.as_deref(), "sink_topic");
        e.array(&self.stores, v, "stores");
        e.array(&self.successors, v, "successors");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyDescriptionUpdateRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionGlobalStore {
    pub source: TopologyDescriptionNode,
    pub processor: TopologyDescriptionNode,
}

impl Fields for TopologyDescriptionGlobalStore {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.source.read(d, v)?;
        self.processor.read(d, v)?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        self.source.write(e, v);
        self.processor.write(e, v);
        e.no_tags();
    }
}

impl Message for StreamsGroupTopologyDescriptionUpdateRequest {
    const NAME: &'static str = "StreamsGroupTopologyDescriptionUpdateRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyDescriptionUpdateResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for StreamsGroupTopologyDescriptionUpdateResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for StreamsGroupTopologyDescriptionUpdateResponse {
    const NAME: &'static str = "StreamsGroupTopologyDescriptionUpdateResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for StreamsGroupTopologyDescriptionUpdateRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::StreamsGroupTopologyDescriptionUpdate;
    type Response = StreamsGroupTopologyDescriptionUpdateResponse;
}
