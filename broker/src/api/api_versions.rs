//! ApiVersions, versions 0 to 5: what this broker speaks.
//!
//! A version that it does not know is answered in the body of version 0, with error 35 and the range of ApiVersions
//! alone, so that any client can go on from there (KIP-511). The response header is always version 0. From version 5 on
//! a client may say which cluster and node it believes to talk to; a wrong one is told to start over (KIP-1242).

use std::rc::Rc;

use corelog_wire::{
    DecodeError, Decoder, Message,
    api::ApiKey,
    error_code::ErrorCode,
    messages::{ApiVersionsRequest, ApiVersionsResponse, api_versions::ApiVersion},
};

use crate::{
    api::{self, RequestContext},
    core::env::NetEnv,
    core_state::Core,
};

/// Answers; also says in which version. A body that does not decode is an error, as of any API.
pub fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    mut body: Decoder<'_>,
) -> Result<(i16, ApiVersionsResponse), DecodeError> {
    let version = context.api_version;
    if !ApiKey::ApiVersions.supports(version) {
        let own = row(ApiKey::ApiVersions, ApiKey::ApiVersions.advertised_versions());
        return Ok((0, refusal(ErrorCode::UnsupportedVersion, vec![own])));
    }
    let request = ApiVersionsRequest::decode(&mut body, version)?;
    if version >= 3 && !(is_name(&request.client_software_name) && is_name(&request.client_software_version)) {
        return Ok((version, refusal(ErrorCode::InvalidRequest, Vec::new())));
    }
    if version >= 5 && !is_for_us(core, context, &request) {
        return Ok((version, refusal(ErrorCode::RebootstrapRequired, Vec::new())));
    }
    let response = ApiVersionsResponse {
        api_keys: api::advertised().map(|(key, versions)| row(key, versions)).collect(),
        finalized_features_epoch: if version >= 3 { 0 } else { -1 },
        ..ApiVersionsResponse::default()
    };
    Ok((version, response))
}

fn refusal(code: ErrorCode, api_keys: Vec<ApiVersion>) -> ApiVersionsResponse {
    ApiVersionsResponse { error_code: code.code(), api_keys, ..ApiVersionsResponse::default() }
}

fn row(key: ApiKey, (min_version, max_version): (i16, i16)) -> ApiVersion {
    ApiVersion { api_key: key as i16, min_version, max_version }
}

/// Letters, digits, dots and dashes, beginning and ending with a letter or digit.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

fn is_for_us<E: NetEnv>(core: &Core<E>, context: &RequestContext, request: &ApiVersionsRequest) -> bool {
    let cluster = core.image().cluster_id().map(|id| id.to_string());
    let same_cluster = request.cluster_id.is_none() || request.cluster_id == cluster;
    let same_node = request.node_id < 0 || request.node_id == context.listener.own_broker_id(core.node);
    same_cluster && same_node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_are_what_kafka_takes() {
        for good in ["kcat", "apache-kafka-java", "4.3.1", "a"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a\n", "."] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
