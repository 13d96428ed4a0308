//! The table of APIs: which are served, at which versions, how long their frames may be, and who handles them.
//!
//! A handler is `pub async fn handle<E: NetEnv>(core: &Rc<Core<E>>, context: &RequestContext, request: XRequest) ->
//! XResponse`, one file per API. Produce and Fetch have forms of their own: Produce is begun in the order read and
//! finished later; Fetch answers with a chain of buffers.

pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod api_versions;
pub mod compatibility;
mod config_resources;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod elect_leaders;
pub mod fetch;
pub mod fetch_session;
pub mod find_coordinator;
#[cfg(test)]
mod group_tests;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod session_slot;
pub mod sync_group;
pub mod update_features;

use std::{fmt, future::Future, net::SocketAddr, pin::Pin, rc::Rc, sync::Arc};

use bytes::Bytes;
use corelog_wire::{
    DecodeError, Decoder, EncodeError, Request,
    api::ApiKey,
    frame,
    header::{RequestHeader, RequestStart},
};

use crate::{
    api::session_slot::SessionSlot,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    limits,
    net::{complaints::Complaint, listener::ListenerRef, traffic::Traffic},
    quota::{core_quotas, throttle::Throttle},
};

/// A connection's identity: what every request on it has in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The listener it came in by.
    pub listener: ListenerRef,
    /// The other side's address.
    pub peer: SocketAddr,
    /// Who it is; `User:ANONYMOUS` where nobody authenticates.
    pub principal: Arc<str>,
}

/// Where requests come from: their connection, as handlers see it.
pub struct Origin<E: NetEnv> {
    /// What every request on it has in common.
    pub identity: Arc<Identity>,
    /// What it asks for.
    pub traffic: Rc<Traffic>,
    /// Its fetch session.
    pub session: SessionSlot<E>,
    /// What it remembers of its quotas.
    pub throttle: Rc<Throttle>,
}

/// What a handler is told about a request besides its body.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The version of its API.
    pub api_version: i16,
    /// What the response repeats.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<String>,
    /// The listener it came in by.
    pub listener: ListenerRef,
    /// The other side's address.
    pub peer: SocketAddr,
    /// Who it is.
    pub principal: Arc<str>,
    /// To be told whose partitions the request is about.
    pub traffic: Rc<Traffic>,
    /// What the connection remembers of its quotas.
    pub throttle: Rc<Throttle>,
}

impl RequestContext {
    /// The user's name.
    pub fn user(&self) -> &str {
        self.principal.strip_prefix("User:").unwrap_or(&self.principal)
    }
}

/// The operations on the cluster, as bits by their number; all of them, as long as there is no authorizer.
const CLUSTER_OPERATIONS: i32 = 8096;
/// The operations on a topic, likewise.
const TOPIC_OPERATIONS: i32 = 3576;

/// Why a connection is closed instead of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// An API that is not served.
    UnknownApi(i16),
    /// A version that is not served.
    UnsupportedVersion(ApiKey, i16),
    /// Header or body do not decode.
    Undecodable(DecodeError),
    /// A produce request that wants no response failed.
    UnansweredProduce(Fault),
    /// A response that its version cannot carry: our fault.
    Unencodable(ApiKey, EncodeError),
    /// The peer is gone.
    PeerGone,
}

impl Close {
    /// As what it is counted.
    pub fn complaint(&self) -> Option<Complaint> {
        Some(match self {
            Self::UnknownApi(_) => Complaint::BadFrame,
            Self::UnsupportedVersion(..) => Complaint::UnsupportedVersion,
            Self::Undecodable(_) => Complaint::BadRequest,
            Self::UnansweredProduce(_) => Complaint::UnansweredProduce,
            Self::Unencodable(..) => Complaint::BadResponse,
            Self::PeerGone => return None,
        })
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownApi(key) => write!(f, "unknown API {key}"),
            Self::UnsupportedVersion(key, version) => write!(f, "{key} version {version} is not served"),
            Self::Undecodable(error) => error.fmt(f),
            Self::UnansweredProduce(fault) => write!(f, "produce without response: {fault}"),
            Self::Unencodable(key, error) => write!(f, "response to {key}: {error}"),
            Self::PeerGone => f.write_str("the peer is gone"),
        }
    }
}

impl From<DecodeError> for Close {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable(error)
    }
}

/// A response's frame, as a chain of buffers; `None` where none is sent.
pub type Response = Result<Option<Vec<Bytes>>, Close>;
/// A request under way.
pub type Begun = Pin<Box<dyn Future<Output = Response>>>;

macro_rules! table {
    ($($key:ident $limit:ident $module:ident;)*) => {
        /// The longest frame of an API's requests.
        fn served(key: ApiKey) -> Option<usize> {
            match key {
                ApiKey::Produce => Some(limits::FRAME_MAX),
                ApiKey::Fetch | ApiKey::ApiVersions => Some(limits::FRAME_MAX_WITHOUT_RECORDS),
                $(ApiKey::$key => Some(limits::$limit),)*
                _ => None,
            }
        }

        async fn dispatch<E: NetEnv>(
            core: &Rc<Core<E>>,
            session: &SessionSlot<E>,
            request: Incoming<'_>,
            frame: Bytes,
        ) -> Response {
            let key = request.key;
            match key {
                ApiKey::Fetch => {
                    fetch::answer(core, session, request.context, frame, request.body.position()).await
                }
                ApiKey::ApiVersions => {
                    let handled = async { api_versions::handle(core, &request.context, request.body) };
                    let (handled, time) = core_quotas::timed(core, handled).await;
                    let (version, mut body) = handled?;
                    body.throttle_time_ms = core_quotas::took(core, &request.context, time);
                    respond(key, version, request.context.correlation_id, &body)
                }
                $(ApiKey::$key => typed(core, request, $module::handle::<E>).await,)*
                _ => Err(Close::UnknownApi(key as i16)),
            }
        }
    };
}

table! {
    ListOffsets FRAME_MAX_WITHOUT_RECORDS list_offsets;
    DescribeCluster FRAME_MAX_WITHOUT_RECORDS describe_cluster;
    DeleteTopics FRAME_MAX_WITHOUT_RECORDS delete_topics;
    CreatePartitions FRAME_MAX_WITHOUT_RECORDS create_partitions;
    DeleteRecords FRAME_MAX_WITHOUT_RECORDS delete_records;
    InitProducerId FRAME_MAX_WITHOUT_RECORDS init_producer_id;
    OffsetForLeaderEpoch FRAME_MAX_WITHOUT_RECORDS offset_for_leader_epoch;
    Metadata FRAME_MAX_WITHOUT_RECORDS metadata;
    CreateTopics FRAME_MAX_WITHOUT_RECORDS create_topics;
    FindCoordinator FRAME_MAX_WITHOUT_RECORDS find_coordinator;
    JoinGroup FRAME_MAX_WITHOUT_RECORDS join_group;
    SyncGroup FRAME_MAX_WITHOUT_RECORDS sync_group;
    Heartbeat FRAME_MAX_WITHOUT_RECORDS heartbeat;
    LeaveGroup FRAME_MAX_WITHOUT_RECORDS leave_group;
    OffsetCommit FRAME_MAX_WITHOUT_RECORDS offset_commit;
    OffsetFetch FRAME_MAX_WITHOUT_RECORDS offset_fetch;
    OffsetDelete FRAME_MAX_WITHOUT_RECORDS offset_delete;
    ListGroups FRAME_MAX_WITHOUT_RECORDS list_groups;
    DescribeGroups FRAME_MAX_WITHOUT_RECORDS describe_groups;
    DeleteGroups FRAME_MAX_WITHOUT_RECORDS delete_groups;
    DescribeConfigs FRAME_MAX_WITHOUT_RECORDS describe_configs;
    DescribeTopicPartitions FRAME_MAX_WITHOUT_RECORDS describe_topic_partitions;
    AlterConfigs FRAME_MAX_WITHOUT_RECORDS alter_configs;
    ListConfigResources FRAME_MAX_WITHOUT_RECORDS list_config_resources;
    DescribeLogDirs FRAME_MAX_WITHOUT_RECORDS describe_log_dirs;
    DescribeProducers FRAME_MAX_WITHOUT_RECORDS describe_producers;
    DescribeQuorum FRAME_MAX_WITHOUT_RECORDS describe_quorum;
    ElectLeaders FRAME_MAX_WITHOUT_RECORDS elect_leaders;
    AlterPartitionReassignments FRAME_MAX_WITHOUT_RECORDS alter_partition_reassignments;
    ListPartitionReassignments FRAME_MAX_WITHOUT_RECORDS list_partition_reassignments;
    AlterReplicaLogDirs FRAME_MAX_WITHOUT_RECORDS alter_replica_log_dirs;
    UpdateFeatures FRAME_MAX_WITHOUT_RECORDS update_features;
    IncrementalAlterConfigs FRAME_MAX_WITHOUT_RECORDS incremental_alter_configs;
    DescribeClientQuotas FRAME_MAX_WITHOUT_RECORDS describe_client_quotas;
    AlterClientQuotas FRAME_MAX_WITHOUT_RECORDS alter_client_quotas;
}

/// The APIs served, with the versions told to clients.
pub fn advertised() -> impl Iterator<Item = (ApiKey, (i16, i16))> {
    ApiKey::all().filter(|&key| served(key).is_some()).map(|key| (key, key.advertised_versions()))
}

/// How long a frame of this API may be, before and after a connection's first valid request; `None`: not served.
pub fn frame_limit(key: i16, first: bool) -> Option<usize> {
    let key = ApiKey::from_i16(key)?;
    let limit = served(key)?;
    Some(if first && key != ApiKey::Produce { limit.min(limits::FRAME_MAX_FIRST) } else { limit })
}

/// The API that a request names, in its first bytes.
pub fn key(frame: &[u8]) -> i16 {
    frame.first_chunk().map_or(-1, |key| i16::from_be_bytes(*key))
}

/// Whether a request is begun as it is read, rather than in its turn.
pub fn begins_at_once(frame: &[u8]) -> bool {
    key(frame) == ApiKey::Produce as i16
}

/// Begins a Produce request: on return its batches have their places in their partitions.
pub async fn begin<E: NetEnv>(core: &Rc<Core<E>>, origin: &Origin<E>, frame: Bytes) -> Result<Begun, Close> {
    let incoming = Incoming::decode(&frame, origin)?;
    let (context, position) = (incoming.context, incoming.body.position());
    produce::begin(core, context, &frame, position).await
}

/// Whether a request's header makes sense: what does not is found when it is read, not in its turn.
pub fn check(frame: &Bytes) -> Result<(), Close> {
    Header::decode(frame).map(drop)
}

/// Handles a request whose turn has come.
pub async fn answer<E: NetEnv>(core: &Rc<Core<E>>, origin: &Origin<E>, frame: Bytes) -> Response {
    let incoming = Incoming::decode(&frame, origin)?;
    dispatch(core, &origin.session, incoming, frame.clone()).await
}

/// A request's header, and where its body begins.
struct Header<'a> {
    key: ApiKey,
    api_version: i16,
    correlation_id: i32,
    client_id: Option<&'a str>,
    body: Decoder<'a>,
}

impl<'a> Header<'a> {
    fn decode(frame: &'a Bytes) -> Result<Self, Close> {
        let mut body = Decoder::new(frame);
        let start = RequestStart::decode(&mut body)?;
        let RequestStart { api_version, correlation_id, .. } = start;
        let key = ApiKey::from_i16(start.api_key).ok_or(Close::UnknownApi(start.api_key))?;
        let supported = key.supports(api_version);
        if !supported && key != ApiKey::ApiVersions {
            return Err(Close::UnsupportedVersion(key, api_version));
        }
        // Of an unknown version of ApiVersions nothing but the start is sure.
        let client_id = if supported { RequestHeader::decode(start, key, &mut body)?.client_id } else { None };
        Ok(Self { key, api_version, correlation_id, client_id, body })
    }
}

/// A request whose header was read.
struct Incoming<'a> {
    key: ApiKey,
    context: RequestContext,
    body: Decoder<'a>,
}

impl<'a> Incoming<'a> {
    fn decode<E: NetEnv>(frame: &'a Bytes, origin: &Origin<E>) -> Result<Self, Close> {
        let Header { key, api_version, correlation_id, client_id, body } = Header::decode(frame)?;
        let context = RequestContext {
            api_version,
            correlation_id,
            client_id: client_id.map(str::to_owned),
            listener: origin.identity.listener,
            peer: origin.identity.peer,
            principal: origin.identity.principal.clone(),
            traffic: origin.traffic.clone(),
            throttle: origin.throttle.clone(),
        };
        Ok(Self { key, context, body })
    }
}

/// Decodes the body, has it handled, encodes the response.
async fn typed<E: NetEnv, Q: Request>(
    core: &Rc<Core<E>>,
    mut incoming: Incoming<'_>,
    handle: impl AsyncFnOnce(&Rc<Core<E>>, &RequestContext, Q) -> Q::Response,
) -> Response {
    let (context, body) = (&incoming.context, &mut incoming.body);
    let handled = async { Ok::<_, Close>(handle(core, context, Q::decode(body, context.api_version)?).await) };
    let (handled, time) = core_quotas::timed(core, handled).await;
    let mut response = handled?;
    let told = core_quotas::took(core, context, time).max(context.throttle.take_told());
    Q::set_throttle_time(&mut response, told);
    respond(Q::KEY, context.api_version, context.correlation_id, &response)
}

fn respond<M: corelog_wire::Message>(key: ApiKey, version: i16, correlation_id: i32, response: &M) -> Response {
    match frame::response(key, version, correlation_id, response) {
        Ok(frame) => Ok(Some(vec![frame])),
        Err(error) => Err(Close::Unencodable(key, error)),
    }
}
