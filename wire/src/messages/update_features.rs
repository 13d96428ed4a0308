//! Generated from `schemas/kafka/update_features.kafka` (FNV-1a 3f7afcb5d83f6b8a); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesRequest {
    pub timeout_ms: i32,
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// Since version 1.
    pub validate_only: bool,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            feature_updates: Default::default(),
            validate_only: Default::default(),
        }
    }
}

impl Fields for UpdateFeaturesRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.timeout_ms = d.i32("timeout_ms")?;
        self.feature_updates = d.array(v, "feature_updates")?;
        if v >= 1 {
            self.validate_only = d.bool("validate_only")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.timeout_ms);
        e.array(&self.feature_updates, v, "feature_updates");
        if v >= 1 {
            e.bool(self.validate_only);
        } else if self.validate_only {
            e.cannot_carry("validate_only", v);
        }
        e.no_tags();
    }
}

/// Part of [`UpdateFeaturesRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureUpdateKey {
    pub feature: String,
    pub max_version_level: i16,
    /// Version 0 only.
    pub allow_downgrade: bool,
    /// Since version 1.
    pub upgrade_type: i8,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            max_version_level: Default::default(),
            allow_downgrade: Default::default(),
            upgrade_type: 1,
        }
    }
}

impl Fields for FeatureUpdateKey {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.feature = d.string("feature")?;
        self.max_version_level = d.i16("max_version_level")?;
        if v <= 0 {
            self.allow_downgrade = d.bool("allow_downgrade")?;
        }
        if v >= 1 {
            self.upgrade_type = d.i8("upgrade_type")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.feature, "feature");
        e.i16(self.max_version_level);
        if v <= 0 {
            e.bool(self.allow_downgrade);
        } else if self.allow_downgrade {
            e.cannot_carry("allow_downgrade", v);
        }
        if v >= 1 {
            e.i8(self.upgrade_type);
        } else if self.upgrade_type != 1 {
            e.cannot_carry("upgrade_type", v);
        }
        e.no_tags();
    }
}

impl Message for UpdateFeaturesRequest {
    const NAME: &'static str = "UpdateFeaturesRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateFeaturesResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Versions 0 to 1.
    pub results: Vec<UpdatableFeatureResult>,
}

impl Fields for UpdateFeaturesResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        if v <= 1 {
            self.results = d.array(v, "results")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        if v <= 1 {
            e.array(&self.results, v, "results");
        }
        e.no_tags();
    }
}

/// Part of [`UpdateFeaturesResponse`] in versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdatableFeatureResult {
    pub feature: String,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for UpdatableFeatureResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.feature = d.string("feature")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.feature, "feature");
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for UpdateFeaturesResponse {
    const NAME: &'static str = "UpdateFeaturesResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for UpdateFeaturesRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::UpdateFeatures;
    type Response = UpdateFeaturesResponse;
}
