//! Measures the runtime: round trips through one core, plain or with a durable write before each answer.
//!
//! usage: echo MODE ROUNDS CONNECTIONS [DIR]   MODE: echo | floor | journal

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the outside of the environment")]

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    rc::Rc,
    sync::mpsc,
    time::{Duration, Instant},
};

use corelog_broker::core::{
    RingEnv, RingFile,
    env::{Conn, Listener, NetEnv, Spread},
    launch::{CoreStart, Options, launch},
};
use corelog_storage::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, Lane, OpenFile},
};

const MESSAGE: usize = 100;
const JOURNAL: u64 = 64 << 20;

/// One write in flight; all that waits joins the next.
struct Journal {
    file: RingFile,
    waiting: RefCell<Vec<std::task::Waker>>,
    begun: Cell<u64>,
    durable: Cell<u64>,
    writing: Cell<bool>,
    position: Cell<u64>,
    pending: Cell<u64>,
}

impl Journal {
    async fn open(env: &RingEnv, dir: PathBuf) -> Rc<Self> {
        let how = OpenFile { create: true, durable_writes: true };
        let file = env.open(&dir.join("journal"), how).await.unwrap();
        for chunk in 0..JOURNAL >> 20 {
            file.write_at(chunk << 20, AlignedBuf::zeroed(1 << 20).freeze()).await.unwrap();
        }
        Rc::new(Self {
            file,
            waiting: RefCell::default(),
            begun: Cell::new(0),
            durable: Cell::new(0),
            writing: Cell::new(false),
            position: Cell::new(0),
            pending: Cell::new(0),
        })
    }

    async fn append(self: &Rc<Self>, env: &RingEnv) {
        let mine = self.begun.get() + 1;
        self.pending.set(self.pending.get() + 1);
        if !self.writing.replace(true) {
            env.spawn(Lane::Latency, self.clone().write());
        }
        std::future::poll_fn(|context| {
            if self.durable.get() >= mine {
                return std::task::Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            std::task::Poll::Pending
        })
        .await;
    }

    async fn write(self: Rc<Self>) {
        while self.pending.replace(0) > 0 {
            self.begun.set(self.begun.get() + 1);
            let position = self.position.get();
            self.position.set((position + BLOCK as u64) % JOURNAL);
            self.file.write_durable(position, AlignedBuf::zeroed(BLOCK).freeze()).await.unwrap();
            self.durable.set(self.begun.get());
            self.waiting.take().into_iter().for_each(std::task::Waker::wake);
        }
        self.writing.set(false);
    }
}

async fn serve(start: CoreStart, address: mpsc::Sender<std::net::SocketAddr>, dir: Option<PathBuf>) {
    let env = start.env;
    let journal = match dir {
        Some(dir) => Some(Journal::open(&env, dir).await),
        None => None,
    };
    let listener = env.listen("127.0.0.1:0".parse().unwrap(), Spread::ThisCore).await.unwrap();
    address.send(listener.local_addr()).unwrap();
    env.spawn(Lane::Latency, {
        let env = env.clone();
        async move {
            while let Ok(conn) = listener.accept().await {
                let (env, journal) = (env.clone(), journal.clone());
                env.clone().spawn(Lane::Latency, async move {
                    while let Ok(Some(bytes)) = conn.recv().await {
                        if let Some(journal) = &journal {
                            journal.append(&env).await;
                        }
                        if conn.send(vec![bytes]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        }
    });
    start.stop.requested(&env).await;
}

/// CPU time of all threads but this one, in ns.
fn others_cpu() -> u64 {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    let cpu = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.filter(|entry| Some(&*entry.file_name()) != me.file_name()).filter_map(cpu).sum()
}

/// Keeps the client off the core's CPU, the first.
fn use_second_cpu() {
    // SAFETY: a set of bits, of which zeroes are valid, and plain calls on it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(1, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (mode, rounds, connections) =
        (args[1].clone(), args[2].parse::<usize>().unwrap(), args[3].parse::<usize>().unwrap());
    let dir = (mode == "journal").then(|| PathBuf::from(args.get(4).map_or(".", String::as_str)));
    let (send, receive) = mpsc::channel();
    let options = Options { cores: 1, floor: mode == "floor", signals: false, ..Options::default() };
    std::thread::spawn(move || {
        let _ = launch(&options, move |_| {
            let (send, dir) = (send.clone(), dir.clone());
            move |start| serve(start, send, dir)
        });
    });
    let address = receive.recv().unwrap();
    use_second_cpu();
    let mut streams: Vec<TcpStream> = (0..connections).map(|_| TcpStream::connect(address).unwrap()).collect();
    streams.iter().for_each(|stream| stream.set_nodelay(true).unwrap());
    let mut message = [7u8; MESSAGE];
    let mut round = |streams: &mut Vec<TcpStream>| {
        let begun = Instant::now();
        streams.iter_mut().for_each(|stream| stream.write_all(&message).unwrap());
        streams.iter_mut().for_each(|stream| stream.read_exact(&mut message).unwrap());
        begun.elapsed()
    };
    for _ in 0..rounds / 10 {
        round(&mut streams);
    }
    let (cpu, begun) = (others_cpu(), Instant::now());
    let mut times: Vec<Duration> = (0..rounds).map(|_| round(&mut streams)).collect();
    let (elapsed, cpu) = (begun.elapsed(), others_cpu() - cpu);
    times.sort_unstable();
    let messages = (rounds * connections) as f64;
    println!(
        "{mode} {connections} connections: round p50 {:?} p99 {:?}, {:.0} msg/s, server {:.2} us CPU per message",
        times[rounds / 2],
        times[rounds * 99 / 100],
        messages / elapsed.as_secs_f64(),
        cpu as f64 / messages / 1000.0
    );
}
