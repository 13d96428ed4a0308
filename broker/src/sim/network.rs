//! The simulated network: who listens where, how long bytes take, and what is cut.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::{Rc, Weak},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use corelog_storage::sim::{HostId, Place, World};

use super::{
    net_env::{Node, SimNetEnv},
    stream::{Link, SimConn},
};

/// How the network treats what goes through it. Chances are per million.
#[derive(Clone, Copy, Debug)]
pub struct NetFaults {
    /// What a segment, a connect or a ring of a bell takes: least and most.
    pub delay: (Duration, Duration),
    /// A connection is cut, for each send.
    pub cuts: u32,
    /// A segment takes [`NetFaults::stall`] longer, and all behind it.
    pub stalls: u32,
    /// At most this much longer.
    pub stall: Duration,
    /// The most a single receive returns; small values tear frames into pieces.
    pub piece: usize,
}

impl Default for NetFaults {
    fn default() -> Self {
        Self {
            delay: (Duration::from_micros(5), Duration::from_micros(200)),
            cuts: 0,
            stalls: 0,
            stall: Duration::from_millis(500),
            piece: 4096,
        }
    }
}

/// The network of a world. Clones share it.
#[derive(Clone)]
pub struct Network(Rc<Inner>);

struct Inner {
    world: World,
    faults: Cell<NetFaults>,
    listeners: RefCell<BTreeMap<SocketAddr, Rc<Socket>>>,
    links: RefCell<Vec<Weak<Link>>>,
    parted: RefCell<BTreeSet<(HostId, HostId)>>,
    next_port: Cell<u16>,
    /// Connections between two cores of their host.
    moving: RefCell<BTreeMap<u64, (HostId, SimConn)>>,
    next_moved: Cell<u64>,
}

/// Names a connection between two cores: a world stays in its thread, what cores send each other need not.
pub(super) struct Moved {
    number: u64,
    /// While it lives, somebody may still attach.
    _wanted: Arc<()>,
}

/// How often it is looked whether a connection between two cores is wanted by nobody any more.
const LOST_AFTER: Duration = Duration::from_micros(100);

/// A listening socket and the cores that share it.
pub(super) struct Socket {
    pub(super) host: HostId,
    pub(super) address: SocketAddr,
    pub(super) hands: RefCell<Vec<Hand>>,
    next: Cell<usize>,
}

/// What one core has been dealt.
pub(super) struct Hand {
    pub(super) core: u16,
    pub(super) dealt: VecDeque<SimConn>,
    pub(super) waker: Option<Waker>,
}

impl Network {
    /// A network for `world`, on which nobody listens yet.
    pub fn new(world: &World) -> Self {
        Self(Rc::new(Inner {
            world: world.clone(),
            faults: Cell::default(),
            listeners: RefCell::default(),
            links: RefCell::default(),
            parted: RefCell::default(),
            next_port: Cell::new(40_000),
            moving: RefCell::default(),
            next_moved: Cell::new(0),
        }))
    }

    /// The cores of a process that starts now on `host`.
    pub fn start(&self, host: HostId, cores: u16) -> Vec<SimNetEnv> {
        // The process before is gone, and what it had under way between cores.
        let kept = |_: &u64, (owner, _): &mut (HostId, SimConn)| *owner != host;
        self.0.moving.borrow_mut().retain(kept);
        let node = Rc::new(Node::new(cores));
        (0..cores)
            .map(|core| SimNetEnv::new(self.0.world.env(Place { host, core }), self.clone(), node.clone()))
            .collect()
    }

    /// The world it belongs to.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Treats traffic like this from now on.
    pub fn set_faults(&self, faults: NetFaults) {
        self.0.faults.set(faults);
    }

    /// How it treats traffic.
    pub fn faults(&self) -> NetFaults {
        self.0.faults.get()
    }

    /// Cuts every connection of `host`.
    pub fn cut(&self, host: HostId) {
        self.0.world.count("connections cut");
        self.sever(|link| link.touches(host));
    }

    /// Parts two hosts: their connections are cut and new ones refused until [`Network::heal`].
    pub fn part(&self, one: HostId, other: HostId) {
        self.0.world.count("hosts parted");
        self.0.parted.borrow_mut().extend([(one, other), (other, one)]);
        self.sever(|link| link.touches(one) && link.touches(other));
    }

    /// Joins all hosts again.
    pub fn heal(&self) {
        self.0.parted.borrow_mut().clear();
    }

    fn sever(&self, which: impl Fn(&Link) -> bool) {
        let links: Vec<Rc<Link>> = self.0.links.borrow().iter().filter_map(Weak::upgrade).collect();
        links.iter().filter(|link| which(link)).for_each(|link| link.cut());
    }

    /// How long the next thing takes.
    pub(super) fn delay(&self) -> Duration {
        let (low, high) = self.faults().delay;
        Duration::from_nanos(self.0.world.rng().between(low.as_nanos() as u64, high.as_nanos() as u64))
    }

    /// Whether a fault of this chance strikes; counts it.
    pub(super) fn strikes(&self, per_million: u32, kind: &'static str) -> bool {
        let strikes = per_million > 0 && self.0.world.rng().chance(per_million);
        if strikes {
            self.0.world.count(kind);
        }
        strikes
    }

    /// A seat at the socket bound to `at`; `shared` lets several cores of one host have one.
    pub(super) fn listen(&self, at: SocketAddr, place: Place, shared: bool) -> io::Result<Rc<Socket>> {
        let mut listeners = self.0.listeners.borrow_mut();
        listeners.retain(|_, socket| !socket.hands.borrow().is_empty());
        let socket = match listeners.get(&at) {
            Some(socket) if shared && socket.host == place.host => socket.clone(),
            Some(_) => return Err(io::ErrorKind::AddrInUse.into()),
            None => {
                let address = SocketAddr::new(at.ip(), if at.port() == 0 { self.fresh_port() } else { at.port() });
                let (hands, next) = (RefCell::default(), Cell::new(0));
                let socket = Rc::new(Socket { host: place.host, address, hands, next });
                listeners.insert(if shared { at } else { address }, socket.clone());
                socket
            }
        };
        socket.hands.borrow_mut().push(Hand { core: place.core, dealt: VecDeque::new(), waker: None });
        Ok(socket)
    }

    /// Connects a process at `from` to who listens at `to`.
    pub(super) fn connect(&self, from: Place, to: SocketAddr) -> io::Result<SimConn> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let socket = {
            let listeners = self.0.listeners.borrow();
            let listening = |socket: &&Rc<Socket>| socket.address == to && !socket.hands.borrow().is_empty();
            listeners.values().find(listening).cloned().ok_or_else(refused)?
        };
        if self.0.parted.borrow().contains(&(from.host, socket.host)) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let client = SocketAddr::new(Ipv4Addr::from(0x0a00_0001 + from.host.0).into(), self.fresh_port());
        let (link, near, far) = Link::new(self.clone(), (from.host, socket.host), (client, to));
        let mut links = self.0.links.borrow_mut();
        links.retain(|link| link.strong_count() > 0);
        links.push(Rc::downgrade(&link));
        let mut hands = socket.hands.borrow_mut();
        let turn = socket.next.get() % hands.len();
        socket.next.set(turn + 1);
        let hand = &mut hands[turn];
        hand.dealt.push_back(far);
        if let Some(waker) = hand.waker.take() {
            waker.wake();
        }
        Ok(near)
    }

    /// Keeps an end of a connection until a core of its host attaches it, or nobody can any more.
    pub(super) fn detach(&self, host: HostId, end: SimConn) -> Moved {
        let number = self.0.next_moved.get();
        self.0.next_moved.set(number + 1);
        self.0.moving.borrow_mut().insert(number, (host, end));
        self.0.world.count("connections moved");
        let wanted = Arc::new(());
        let (network, still_wanted) = (self.clone(), Arc::downgrade(&wanted));
        self.0.world.spawn(Place { host, core: 0 }, async move {
            while still_wanted.strong_count() > 0 {
                network.world().sleep_until(network.world().now().after(LOST_AFTER)).await;
            }
            let lost = network.0.moving.borrow_mut().remove(&number);
            drop(lost);
        });
        Moved { number, _wanted: wanted }
    }

    /// The end that was given up.
    pub(super) fn attach(&self, moved: Moved) -> Option<SimConn> {
        Some(self.0.moving.borrow_mut().remove(&moved.number)?.1)
    }

    fn fresh_port(&self) -> u16 {
        let port = self.0.next_port.get();
        self.0.next_port.set(port.checked_add(1).unwrap_or(40_000));
        port
    }
}
