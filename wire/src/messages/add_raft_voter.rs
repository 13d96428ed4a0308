//! Generated from `schemas/kafka/add_raft_voter.kafka` (FNV-1a 8b7bbb85179b59c9); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AddRaftVoterRequest {
    pub cluster_id: Option<String>,
    pub timeout_ms: i32,
    pub voter_id: i32,
    pub voter_directory_id: Uuid,
    pub listeners: Vec<Listener>,
    /// Version 1 only.
    pub ack_when_committed: bool,
}

impl Default for AddRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            timeout_ms: Default::default(),
            voter_id: Default::default(),
            voter_directory_id: Default::default(),
            listeners: Default::default(),
            ack_when_committed: true,
        }
    }
}

impl Fields for AddRaftVoterRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.cluster_id = d.nullable_string(true, "cluster_id")?;
        self.timeout_ms = d.i32("timeout_ms")?;
        self.voter_id = d.i32("voter_id")?;
        self.voter_directory_id = d.uuid("voter_directory_id")?;
        self.listeners = d.array(v, "listeners")?;
        if v >= 1 {
            self.ack_when_committed = d.bool("ack_when_committed")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.cluster_id.as_deref(), "cluster_id");
        e.i32(self.timeout_ms);
        e.i32(self.voter_id);
        e.uuid(self.voter_directory_id);
        e.array(&self.listeners, v, "listeners");
        if v >= 1 {
            e.bool(self.ack_when_committed);
        } else if !self.ack_when_committed {
            e.cannot_carry("ack_when_committed", v);
        }
        e.no_tags();
    }
}

/// Part of [`AddRaftVoterRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    pub name: String,
    pub host: String,
    pub port: u16,
}

impl Fields for Listener {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.host = d.string("host")?;
        self.port = d.u16("port")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.string(&self.host, "host");
        e.u16(self.port);
        e.no_tags();
    }
}

impl Message for AddRaftVoterRequest {
    const NAME: &'static str = "AddRaftVoterRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddRaftVoterResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for AddRaftVoterResponse {
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

impl Message for AddRaftVoterResponse {
    const NAME: &'static str = "AddRaftVoterResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for AddRaftVoterRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AddRaftVoter;
    type Response = AddRaftVoterResponse;
}
