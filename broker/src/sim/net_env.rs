//! One simulated core's world: storage's, and the network and the other cores of its node.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    path::Path,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use corelog_storage::{
    env::{Env, Instant, Lane, OpenFile},
    sim::{Place, SimEnv, SimFile},
};

use super::{
    network::{Moved, Network, Socket},
    stream::SimConn,
};
use crate::core::env::{CoreId, Detached, DiskSpace, Listener, NetEnv, Spread};

/// What the cores of one simulated process share: their bells.
pub(super) struct Node {
    bells: Vec<Bell>,
}

#[derive(Default)]
struct Bell {
    rung: Cell<u64>,
    /// A ring is under way; what is written until it arrives is seen with it.
    ringing: Cell<bool>,
    listening: RefCell<Vec<Waker>>,
}

impl Node {
    pub(super) fn new(cores: u16) -> Self {
        Self { bells: (0..cores).map(|_| Bell::default()).collect() }
    }
}

/// One simulated core's world.
#[derive(Clone)]
pub struct SimNetEnv {
    disk: SimEnv,
    network: Network,
    node: Rc<Node>,
}

impl SimNetEnv {
    pub(super) fn new(disk: SimEnv, network: Network, node: Rc<Node>) -> Self {
        Self { disk, network, node }
    }

    /// Where this core is.
    pub fn place(&self) -> Place {
        self.disk.place()
    }

    /// The network it is on.
    pub fn network(&self) -> &Network {
        &self.network
    }
}

impl Env for SimNetEnv {
    type File = SimFile;

    fn now(&self) -> Instant {
        self.disk.now()
    }

    fn wall_clock_ms(&self) -> i64 {
        self.disk.wall_clock_ms()
    }

    fn random(&self) -> u64 {
        self.disk.random()
    }

    fn sleep_between(&self, earliest: Instant, latest: Instant) -> impl Future<Output = ()> + 'static {
        self.disk.sleep_between(earliest, latest)
    }

    fn spawn(&self, lane: Lane, task: impl Future<Output = ()> + 'static) {
        self.disk.spawn(lane, task);
    }

    async fn open(&self, path: &Path, how: OpenFile) -> io::Result<SimFile> {
        self.disk.open(path, how).await
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path).await
    }

    async fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to).await
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path).await
    }

    async fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir).await
    }
}

impl NetEnv for SimNetEnv {
    type Listener = SimListener;
    type Conn = SimConn;

    fn core(&self) -> CoreId {
        CoreId(self.place().core)
    }

    fn cores(&self) -> u16 {
        self.node.bells.len() as u16
    }

    fn turn(&self) -> Instant {
        self.now()
    }

    /// Simulated work takes no time.
    fn cpu_time(&self) -> Duration {
        Duration::ZERO
    }

    async fn listen(&self, at: SocketAddr, spread: Spread) -> io::Result<SimListener> {
        let socket = self.network.listen(at, self.place(), spread == Spread::AllCores)?;
        Ok(SimListener { socket, core: self.place().core })
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<SimConn> {
        self.sleep(self.network.delay()).await;
        self.network.connect(self.place(), to)
    }

    fn attach(&self, conn: Detached) -> io::Result<SimConn> {
        let moved = conn.0.downcast::<Moved>().map_err(|_| io::Error::other("a connection of another world"))?;
        self.network.attach(*moved).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// A disk of 1 TiB, which nothing fills.
    async fn disk_space(&self, _dir: &Path) -> io::Result<DiskSpace> {
        Ok(DiskSpace { total: 1 << 40, usable: 1 << 40 })
    }

    fn notify(&self, core: CoreId) {
        let bell = &self.node.bells[usize::from(core.0)];
        if bell.ringing.replace(true) {
            return;
        }
        let (node, env, delay) = (self.node.clone(), self.clone(), self.network.delay() / 10);
        let place = Place { core: core.0, ..self.place() };
        if !self.disk.is_alive() {
            return;
        }
        self.network.world().spawn(place, async move {
            env.sleep(delay).await;
            let bell = &node.bells[usize::from(core.0)];
            bell.ringing.set(false);
            bell.rung.set(bell.rung.get() + 1);
            let listening = bell.listening.take();
            listening.into_iter().for_each(Waker::wake);
        });
    }

    fn notified(&self, seen: u64) -> impl Future<Output = u64> + 'static {
        let (node, core) = (self.node.clone(), usize::from(self.place().core));
        poll_fn(move |context| {
            let bell = &node.bells[core];
            if bell.rung.get() > seen {
                return Poll::Ready(bell.rung.get());
            }
            let mut listening = bell.listening.borrow_mut();
            if !listening.iter().any(|waker| waker.will_wake(context.waker())) {
                listening.push(context.waker().clone());
            }
            Poll::Pending
        })
    }
}

/// One core's seat at a simulated listening socket.
pub struct SimListener {
    socket: Rc<Socket>,
    core: u16,
}

impl Listener for SimListener {
    type Conn = SimConn;

    async fn accept(&self) -> io::Result<SimConn> {
        poll_fn(|context| {
            let mut hands = self.socket.hands.borrow_mut();
            let hand = hands.iter_mut().find(|hand| hand.core == self.core).expect("a seat until it is dropped");
            match hand.dealt.pop_front() {
                Some(conn) => Poll::Ready(Ok(conn)),
                None => {
                    hand.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn local_addr(&self) -> SocketAddr {
        self.socket.address
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut hands = self.socket.hands.borrow_mut();
        let (mine, others): (Vec<_>, Vec<_>) = hands.drain(..).partition(|hand| hand.core == self.core);
        *hands = others;
        drop(hands);
        drop(mine); // connections nobody accepted close
    }
}
