//! Generated from `schemas/kafka/describe_cluster.kafka` (FNV-1a 536aebfebf95ef1c); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    /// Since version 1.
    pub endpoint_type: i8,
    /// Version 2 only.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: Default::default(),
            endpoint_type: 1,
            include_fenced_brokers: Default::default(),
        }
    }
}

impl Fields for DescribeClusterRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.include_cluster_authorized_operations = d.bool("include_cluster_authorized_operations")?;
        if v >= 1 {
            self.endpoint_type = d.i8("endpoint_type")?;
        }
        if v >= 2 {
            self.include_fenced_brokers = d.bool("include_fenced_brokers")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.bool(self.include_cluster_authorized_operations);
        if v >= 1 {
            e.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            e.cannot_carry("endpoint_type", v);
        }
        if v >= 2 {
            e.bool(self.include_fenced_brokers);
        } else if self.include_fenced_brokers {
            e.cannot_carry("include_fenced_brokers", v);
        }
        e.no_tags();
    }
}

impl Message for DescribeClusterRequest {
    const NAME: &'static str = "DescribeClusterRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Since version 1.
    pub endpoint_type: i8,
    pub cluster_id: String,
    pub controller_id: i32,
    pub brokers: Vec<DescribeClusterBroker>,
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            endpoint_type: 1,
            cluster_id: Default::default(),
            controller_id: -1,
            brokers: Default::default(),
            cluster_authorized_operations: -2147483648,
        }
    }
}

impl Fields for DescribeClusterResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        if v >= 1 {
            self.endpoint_type = d.i8("endpoint_type")?;
        }
        self.cluster_id = d.string("cluster_id")?;
        self.controller_id = d.i32("controller_id")?;
        self.brokers = d.array(v, "brokers")?;
        self.cluster_authorized_operations = d.i32("cluster_authorized_operations")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        if v >= 1 {
            e.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            e.cannot_carry("endpoint_type", v);
        }
        e.string(&self.cluster_id, "cluster_id");
        e.i32(self.controller_id);
        e.array(&self.brokers, v, "brokers");
        e.i32(self.cluster_authorized_operations);
        e.no_tags();
    }
}

/// Part of [`DescribeClusterResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClusterBroker {
    pub broker_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
    /// Version 2 only.
    pub is_fenced: bool,
}

impl Fields for DescribeClusterBroker {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.broker_id = d.i32("broker_id")?;
        self.host = d.string("host")?;
        self.port = d.i32("port")?;
        self.rack = d.nullable_string(true, "rack")?;
        if v >= 2 {
            self.is_fenced = d.bool("is_fenced")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.broker_id);
        e.string(&self.host, "host");
        e.i32(self.port);
        e.nullable_string(true, self.rack.as_deref(), "rack");
        if v >= 2 {
            e.bool(self.is_fenced);
        } else if self.is_fenced {
            e.cannot_carry("is_fenced", v);
        }
        e.no_tags();
    }
}

impl Message for DescribeClusterResponse {
    const NAME: &'static str = "DescribeClusterResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for DescribeClusterRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeCluster;
    type Response = DescribeClusterResponse;
}
