//! Generated from `schemas/kafka/api_versions.kafka` (FNV-1a c3aea186756ec3b0); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 5.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsRequest {
    /// Since version 3.
    pub client_software_name: String,
    /// Since version 3.
    pub client_software_version: String,
    /// Version 5 only.
    pub cluster_id: Option<String>,
    /// Version 5 only.
    pub node_id: i32,
}

impl Default for ApiVersionsRequest {
    fn default() -> Self {
        Self {
            client_software_name: Default::default(),
            client_software_version: Default::default(),
            cluster_id: Default::default(),
            node_id: -1,
        }
    }
}

impl Fields for ApiVersionsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 3 {
            self.client_software_name = d.string("client_software_name")?;
        }
        if v >= 3 {
            self.client_software_version = d.string("client_software_version")?;
        }
        if v >= 5 {
            self.cluster_id = d.nullable_string(true, "cluster_id")?;
        }
        if v >= 5 {
            self.node_id = d.i32("node_id")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 3 {
            e.string(&self.client_software_name, "client_software_name");
        }
        if v >= 3 {
            e.string(&self.client_software_version, "client_software_version");
        }
        if v >= 5 {
            e.nullable_string(true, self.cluster_id.as_deref(), "cluster_id");
        }
        if v >= 5 {
            e.i32(self.node_id);
        }
        e.no_tags();
    }
}

impl Message for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersionsRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    /// Since version 1.
    pub throttle_time_ms: i32,
    /// Since version 3; tag 0.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// Since version 3; tag 1.
    pub finalized_features_epoch: i64,
    /// Since version 3; tag 2.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Since version 3; tag 3.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            api_keys: Default::default(),
            throttle_time_ms: Default::default(),
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: Default::default(),
        }
    }
}

impl Fields for ApiVersionsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.api_keys = d.array(v, "api_keys")?;
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 3 => { self.supported_features = d.array(v, "supported_features")?; }
                1 if v >= 3 => { self.finalized_features_epoch = d.i64("finalized_features_epoch")?; }
                2 if v >= 3 => { self.finalized_features = d.array(v, "finalized_features")?; }
                3 if v >= 3 => { self.zk_migration_ready = d.bool("zk_migration_ready")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.array(&self.api_keys, v, "api_keys");
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        let tags = e.tags();
        if v >= 3 && !self.supported_features.is_empty() {
            let tag = e.begin_tag(tags, 0);
            e.array(&self.supported_features, v, "supported_features");
            e.end_tag(tag);
        }
        if v >= 3 && self.finalized_features_epoch != -1 {
            let tag = e.begin_tag(tags, 1);
            e.i64(self.finalized_features_epoch);
            e.end_tag(tag);
        }
        if v >= 3 && !self.finalized_features.is_empty() {
            let tag = e.begin_tag(tags, 2);
            e.array(&self.finalized_features, v, "finalized_features");
            e.end_tag(tag);
        }
        if v >= 3 && self.zk_migration_ready {
            let tag = e.begin_tag(tags, 3);
            e.bool(self.zk_migration_ready);
            e.end_tag(tag);
        }
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl Fields for ApiVersion {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.api_key = d.i16("api_key")?;
        self.min_version = d.i16("min_version")?;
        self.max_version = d.i16("max_version")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i16(self.api_key);
        e.i16(self.min_version);
        e.i16(self.max_version);
        e.no_tags();
    }
}

/// Part of [`ApiVersionsResponse`] in versions 3 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SupportedFeatureKey {
    pub name: String,
    pub min_version: i16,
    pub max_version: i16,
}

impl Fields for SupportedFeatureKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.min_version = d.i16("min_version")?;
        self.max_version = d.i16("max_version")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.i16(self.min_version);
        e.i16(self.max_version);
        e.no_tags();
    }
}

/// Part of [`ApiVersionsResponse`] in versions 3 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalizedFeatureKey {
    pub name: String,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl Fields for FinalizedFeatureKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.max_version_level = d.i16("max_version_level")?;
        self.min_version_level = d.i16("min_version_level")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.i16(self.max_version_level);
        e.i16(self.min_version_level);
        e.no_tags();
    }
}

impl Message for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for ApiVersionsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ApiVersions;
    type Response = ApiVersionsResponse;
}
