//! Listening addresses: what they are, what clients are told of them, and the loop that accepts.
//!
//! A *node listener* is one port per node on which every core accepts; any core answers for all. A *core listener*
//! gives each core a port and a broker id of its own, so that unmodified clients connect straight to the core that owns
//! a partition; a core then answers for its own partitions alone. Every answer follows the listener that was asked.

use std::{cell::Cell, net::SocketAddr, rc::Rc, time::Duration};

use corelog_storage::env::Lane;

use crate::{
    config::listener::Endpoint,
    core::env::{Conn, CoreId, Listener, NetEnv},
    core_state::Core,
    limits,
    metadata::{call::AssignedBroker, ids::NodeId},
    net::{
        admission::{Place, Rules, Verdict},
        complaints::Complaint,
        driver,
    },
};

/// What a listener's clients see as a broker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ListenerKind {
    /// The whole node.
    Node,
    /// The core whose own port this is.
    Core(CoreId),
}

/// The listener that a connection came in by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ListenerRef {
    /// Its place in the configuration.
    pub number: usize,
    /// What its clients see as a broker.
    pub kind: ListenerKind,
}

/// What this node tells clients to connect to, by listener in the configuration's order. Never a wildcard address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Endpoints {
    /// Per listener: one address, or one for each core.
    pub listeners: Vec<Vec<Endpoint>>,
}

impl Endpoints {
    /// Where clients of `listener` reach `core`.
    pub fn of(&self, listener: ListenerRef, core: CoreId) -> Option<&Endpoint> {
        let addresses = self.listeners.get(listener.number)?;
        match listener.kind {
            ListenerKind::Node => addresses.first(),
            ListenerKind::Core(_) => addresses.get(usize::from(core.0)),
        }
    }
}

impl ListenerRef {
    /// The broker id that clients of this listener know `core` of `node` by.
    pub fn broker_id(self, node: NodeId, core: CoreId) -> i32 {
        match self.kind {
            ListenerKind::Node => node.0,
            ListenerKind::Core(_) => core_broker_id(node, core),
        }
    }

    /// The broker id that a connection on this listener is connected to.
    pub fn own_broker_id(self, node: NodeId) -> i32 {
        match self.kind {
            ListenerKind::Node => node.0,
            ListenerKind::Core(core) => core_broker_id(node, core),
        }
    }

    /// The broker ids that clients of this listener know `node` by.
    pub fn broker_ids(self, node: NodeId, cores: u16) -> Vec<i32> {
        match self.kind {
            ListenerKind::Node => vec![node.0],
            ListenerKind::Core(_) => (0..cores).map(|core| core_broker_id(node, CoreId(core))).collect(),
        }
    }

    /// The broker that a client of this listener means by `shown`, where partitions are assigned by hand. `here` is this
    /// node, which runs `cores` cores.
    pub fn assigned(self, here: NodeId, cores: u16, shown: i32) -> AssignedBroker {
        let core = match self.kind {
            ListenerKind::Node => None,
            ListenerKind::Core(_) => (0..cores).map(CoreId).find(|&core| core_broker_id(here, core) == shown),
        };
        let known = match self.kind {
            ListenerKind::Node => shown == here.0,
            ListenerKind::Core(_) => core.is_some(),
        };
        AssignedBroker { shown, node: known.then_some(here), core }
    }

    /// Whether requests about what `owner` owns are answered here, rather than refused with a hint.
    pub fn answers_for(self, owner: CoreId) -> bool {
        match self.kind {
            ListenerKind::Node => true,
            ListenerKind::Core(core) => core == owner,
        }
    }
}

/// The id of a core as a broker of its own.
fn core_broker_id(node: NodeId, core: CoreId) -> i32 {
    limits::BROKER_IDS_PER_NODE * (node.0 + 1) + i32::from(core.0)
}

/// Accepts connections until the core stops.
pub async fn accept_loop<E: NetEnv>(core: Rc<Core<E>>, listener: E::Listener, from: ListenerRef) {
    let late = Rc::new(Cell::new(0));
    loop {
        let accepted = listener.accept().await;
        if core.connections.stopping() {
            return;
        }
        match accepted {
            Ok(conn) if core.connections.count() >= limits::CONNECTIONS_PER_CORE => {
                core.complain(Complaint::TooManyConnections, conn.peer_addr(), &limits::CONNECTIONS_PER_CORE);
                conn.shutdown();
            }
            Ok(conn) => match admitted(&core, conn.peer_addr(), from).await {
                Ok(place) => driver::start(&core, conn, from, place),
                Err(wait) => close_after(&core, conn, wait, &late),
            },
            Err(error) => {
                // Of this one accept: too many open files, say. Others may succeed once something closes.
                core.complain(Complaint::NotAccepted, listener.local_addr(), &error);
                core.env.sleep(limits::ACCEPT_RETRY).await;
            }
        }
    }
}

/// A place for a new connection, once there is one; else when it is to be closed.
async fn admitted<E: NetEnv>(core: &Rc<Core<E>>, peer: SocketAddr, from: ListenerRef) -> Result<Place, Duration> {
    // Nobody but a test listens where the configuration does not say.
    let name = core.config.listeners.get(from.number).map_or("", |listener| listener.name.as_str());
    while !core.connections.stopping() {
        let rules = Rules::of(&core.settings(), from.number, name, core.quotas.connections(peer.ip()));
        match core.admission.ask(&rules, peer.ip(), core.env.now()) {
            Verdict::Taken(place) => return Ok(place),
            Verdict::Refused(limit) => {
                core.complain(Complaint::TooManyConnections, peer, &format_args!("{limit} of one address"));
                return Err(Duration::ZERO);
            }
            Verdict::TooSoon(wait) => {
                core.metrics.count(|counts| counts.connections_too_soon += 1);
                return Err(wait);
            }
            Verdict::Wait(time) => core.env.sleep(time).await,
        }
    }
    Err(Duration::ZERO)
}

/// Closes a connection that is not served after `wait`, and others meanwhile: at once, if too many wait.
fn close_after<E: NetEnv>(core: &Rc<Core<E>>, conn: E::Conn, wait: Duration, late: &Rc<Cell<usize>>) {
    if wait.is_zero() || late.get() >= limits::LATE_CONNECTIONS {
        return conn.shutdown();
    }
    late.set(late.get() + 1);
    let (env, late) = (core.env.clone(), late.clone());
    core.env.spawn(Lane::Latency, async move {
        env.sleep(wait).await;
        conn.shutdown();
        late.set(late.get() - 1);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_listener_that_was_asked() {
        let (node, core) = (NodeId(2), CoreId(5));
        let whole = ListenerRef { number: 0, kind: ListenerKind::Node };
        let single = ListenerRef { number: 1, kind: ListenerKind::Core(CoreId(7)) };
        assert_eq!((whole.broker_id(node, core), whole.own_broker_id(node)), (2, 2));
        assert_eq!((single.broker_id(node, core), single.own_broker_id(node)), (3005, 3007));
        assert_eq!((whole.broker_ids(node, 2), single.broker_ids(node, 2)), (vec![2], vec![3000, 3001]));
        assert_eq!(single.assigned(node, 8, 3005).core, Some(core));
        assert_eq!(single.assigned(node, 8, 2).node, None);
        assert_eq!((whole.assigned(node, 8, 2).node, whole.assigned(node, 8, 3005).node), (Some(node), None));
        assert!(whole.answers_for(core) && !single.answers_for(core) && single.answers_for(CoreId(7)));
    }

    #[test]
    fn addresses_follow_the_listener_that_was_asked() {
        let at = |port| Endpoint { host: "broker".to_owned(), port };
        let endpoints = Endpoints { listeners: vec![vec![at(9092)], vec![at(9100), at(9101)]] };
        let whole = ListenerRef { number: 0, kind: ListenerKind::Node };
        let single = ListenerRef { number: 1, kind: ListenerKind::Core(CoreId(0)) };
        assert_eq!(endpoints.of(whole, CoreId(1)), Some(&at(9092)));
        assert_eq!(endpoints.of(single, CoreId(1)), Some(&at(9101)));
        assert_eq!(endpoints.of(single, CoreId(2)), None);
    }
}
