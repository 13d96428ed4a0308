//! Generated from `schemas/kafka/alter_user_scram_credentials.kafka` (FNV-1a aba356ccb9e0ecc7); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsRequest {
    pub deletions: Vec<ScramCredentialDeletion>,
    pub upsertions: Vec<ScramCredentialUpsertion>,
}

impl Fields for AlterUserScramCredentialsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.deletions = d.array(v, "deletions")?;
        self.upsertions = d.array(v, "upsertions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.deletions, v, "deletions");
        e.array(&self.upsertions, v, "upsertions");
        e.no_tags();
    }
}

/// Part of [`AlterUserScramCredentialsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialDeletion {
    pub name: String,
    pub mechanism: i8,
}

impl Fields for ScramCredentialDeletion {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.mechanism = d.i8("mechanism")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.i8(self.mechanism);
        e.no_tags();
    }
}

/// Part of [`AlterUserScramCredentialsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialUpsertion {
    pub name: String,
    pub mechanism: i8,
    pub iterations: i32,
    pub salt: Bytes,
    pub salted_password: Bytes,
}

impl Fields for ScramCredentialUpsertion {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.mechanism = d.i8("mechanism")?;
        self.iterations = d.i32("iterations")?;
        self.salt = d.bytes("salt")?;
        self.salted_password = d.bytes("salted_password")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.i8(self.mechanism);
        e.i32(self.iterations);
        e.bytes(&self.salt, "salt");
        e.bytes(&self.salted_password, "salted_password");
        e.no_tags();
    }
}

impl Message for AlterUserScramCredentialsRequest {
    const NAME: &'static str = "AlterUserScramCredentialsRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<AlterUserScramCredentialsResult>,
}

impl Fields for AlterUserScramCredentialsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.results = d.array(v, "results")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.results, v, "results");
        e.no_tags();
    }
}

/// Part of [`AlterUserScramCredentialsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsResult {
    pub user: String,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for AlterUserScramCredentialsResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.user = d.string("user")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.user, "user");
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for AlterUserScramCredentialsResponse {
    const NAME: &'static str = "AlterUserScramCredentialsResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for AlterUserScramCredentialsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AlterUserScramCredentials;
    type Response = AlterUserScramCredentialsResponse;
}
