//! Quotas of clients at work (KIP-13, KIP-124, KIP-219, KIP-612): who uses more than its share waits.
//!
//! A user's, or a client id's, connections are spread over the cores, and nothing is shared between these. Each core
//! meters what its own connections use, and tells the others how much that was
//! ([`crate::router::CoreMessage::QuotaUsage`]): ten times in a second, and at once when it is a considerable part of a
//! quota. So each core knows the sum but for a few hundredths of the quota, whatever the traffic, and judges by it as Kafka's
//! one process does: a connection waits until the sum over the window is back within the quota. No request waits for
//! another core, one that is within its quota least of all; and an error does not add up, as what was not known yet is part
//! of the sum a moment later and is waited for then. (Shares of a quota for each core would have to follow its traffic, and
//! would hold back a client that moves from one core to another; an owner for each meter would cost a hop for each request.)
//!
//! Partitions that are created and deleted are metered where that is decided ([`mutations_machine`]), on one core.
//!
//! With no quotas, a request costs one look at a flag.

pub mod core_quotas;
pub mod lookup;
pub mod meter;
pub mod meters_machine;
pub mod mutations_machine;
pub mod throttle;
