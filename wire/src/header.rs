//! What stands in front of every request and response.

use crate::api::ApiKey;
use crate::codec::{DecodeError, Decoder, Encoder};

/// The part of a request's header that has the same place in every version of every API: enough to tell what the
/// rest is, or to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestStart {
    /// Which API; perhaps one nobody knows.
    pub api_key: i16,
    /// Which version of it.
    pub api_version: i16,
    /// What the response repeats.
    pub correlation_id: i32,
}

impl RequestStart {
    /// Reads the first eight bytes of a frame's content.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            api_key: from.i16("request_api_key")?,
            api_version: from.i16("request_api_version")?,
            correlation_id: from.i32("correlation_id")?,
        })
    }
}

/// A request's header, borrowing the client's id from the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub api_key: ApiKey,
    /// Which version of it.
    pub api_version: i16,
    /// What the response repeats.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads what follows the start. The client's id keeps its two-byte length in all versions.
    pub fn decode(start: RequestStart, api_key: ApiKey, from: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let client_id = from.str_slice("client_id")?;
        if api_key.request_header_version(start.api_version) >= 2 {
            let before = from.set_flexible(true);
            from.skip_tags()?;
            from.set_flexible(before);
        }
        let RequestStart { api_version, correlation_id, .. } = start;
        Ok(Self { api_key, api_version, correlation_id, client_id })
    }

    /// Writes the whole header.
    pub fn encode(&self, to: &mut Encoder) {
        to.i16(self.api_key as i16);
        to.i16(self.api_version);
        to.i32(self.correlation_id);
        to.nullable_string(true, self.client_id, "client_id");
        if self.api_key.request_header_version(self.api_version) >= 2 {
            to.varint(0);
        }
    }
}

/// A response's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The request's.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of the answer to a request of this API and version.
    pub fn decode(api_key: ApiKey, api_version: i16, from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let correlation_id = from.i32("correlation_id")?;
        if api_key.response_header_version(api_version) >= 1 {
            let before = from.set_flexible(true);
            from.skip_tags()?;
            from.set_flexible(before);
        }
        Ok(Self { correlation_id })
    }

    /// Writes the header of the answer to a request of this API and version.
    pub fn encode(&self, api_key: ApiKey, api_version: i16, to: &mut Encoder) {
        to.i32(self.correlation_id);
        if api_key.response_header_version(api_version) >= 1 {
            to.varint(0);
        }
    }
}
