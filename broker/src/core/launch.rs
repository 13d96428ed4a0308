//! Starts a node's cores, one executor thread each, and ends them in order.

use std::{cell::Cell, fmt, io, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use corelog_storage::env::Lane;
use glommio::{LocalExecutorBuilder, Placement};

use crate::core::{
    clock, disk_cpus,
    env::CoreId,
    gather::Gathering,
    kernel::Kernel,
    limits_of_process,
    node::Node,
    pump::pump,
    ring_env::RingEnv,
    stop::{Rendezvous, Stop, stop_on_signals},
};

/// glommio's own rings stay empty: as little memory and as few entries as it accepts.
const GLOMMIO_IO_MEMORY: usize = 64 << 10;
const GLOMMIO_RING_DEPTH: usize = 8;
/// glommio's timer of preemption can put a busy core to sleep when it fires; this one never does.
const GLOMMIO_PREEMPT_TIMER: Duration = Duration::from_secs(3600);

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many cores; beyond the CPUs there are, executors are not bound to one.
    pub cores: u16,
    /// Use nothing newer than Linux 6.1 has.
    pub floor: bool,
    /// Bind each core to a CPU of its own where there are enough.
    pub bind: bool,
    /// Folders whose disks the first cores are close to.
    pub dirs: Vec<PathBuf>,
    /// Have cores with little to do share a CPU where that helps, if they are bound and do not spin.
    pub gather: bool,
    /// How long a core without work looks for some before it sleeps. Zero is right unless the CPUs are its own.
    pub spin: Duration,
    /// SIGTERM and SIGINT request a stop; a second one ends the process at once.
    pub signals: bool,
}

impl Default for Options {
    fn default() -> Self {
        let cores = limits_of_process::cpus().len().clamp(1, u16::MAX.into()) as u16;
        Self { cores, floor: false, bind: true, dirs: Vec::new(), gather: false, spin: Duration::ZERO, signals: true }
    }
}

/// What each core begins with.
pub struct CoreStart {
    /// Its world.
    pub env: RingEnv,
    /// Tells when to end, and tells the others.
    pub stop: Stop,
    /// Where all cores meet, to end step by step.
    pub rendezvous: Rendezvous,
}

/// Why a node did not start.
#[derive(Debug)]
pub enum LaunchError {
    /// io_uring cannot be used; the text says what to do.
    NoRing(String),
    /// A core could not be started, or ended by itself.
    Core(CoreId, String),
    /// Anything else the system refused.
    System(io::Error),
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRing(text) => f.write_str(text),
            Self::Core(core, text) => write!(f, "core {core}: {text}"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LaunchError {}

/// The CPUs of a node's cores.
struct Cpus {
    /// Each core's own; none is bound if there are too few.
    each: Vec<usize>,
    /// Where they gather, if they do.
    shared: Option<usize>,
}

impl Cpus {
    fn of(options: &Options) -> Self {
        let (mut all, near) = (limits_of_process::cpus(), disk_cpus::interrupted_by(&options.dirs));
        let cores = usize::from(options.cores);
        if !options.bind || cores > all.len() {
            return Self { each: Vec::new(), shared: None };
        }
        all.sort_by_key(|cpu| !near.contains(cpu));
        all.truncate(cores);
        let gather = options.gather && options.spin.is_zero() && cores > 1;
        let shared = near.first().copied().filter(|cpu| gather && near.len() == 1 && all[0] == *cpu);
        Self { each: all, shared }
    }
}

/// Runs a node: on each core what `main` makes for it, until all have returned. Returns what they did, in order.
pub fn launch<T, M, F>(options: &Options, mut main: impl FnMut(CoreId) -> M) -> Result<Vec<T>, LaunchError>
where
    T: Send + 'static,
    M: FnOnce(CoreStart) -> F + Send + 'static,
    F: Future<Output = T> + 'static,
{
    assert!(options.cores > 0, "a node has at least one core");
    limits_of_process::raise_open_files();
    limits_of_process::keep_freed_memory();
    let probed = Kernel::probe().map_err(|error| LaunchError::NoRing(limits_of_process::ring_cure(&error)))?;
    let kernel = if options.floor { Kernel::FLOOR } else { probed };
    tracing::debug!(?kernel, cores = options.cores, "starting");
    let node = Node::new(options.cores, kernel).map_err(LaunchError::System)?;
    let stop = Stop::of(node.clone());
    if options.signals {
        stop_on_signals(stop.clone()).map_err(LaunchError::System)?;
    }
    let rendezvous = Rendezvous::new(options.cores);
    let cpus = Cpus::of(options);
    let mut threads = Vec::new();
    for index in 0..options.cores {
        let core = CoreId(index);
        let cpu = cpus.each.get(usize::from(index)).copied();
        let placement = cpu.map_or(Placement::Unbound, Placement::Fixed);
        let gathers = cpu.zip(cpus.shared);
        let (node, stop, rendezvous) = (node.clone(), stop.clone(), rendezvous.clone());
        let (main, spin) = (main(core), options.spin);
        let thread = LocalExecutorBuilder::new(placement)
            .name("corelog")
            .io_memory(GLOMMIO_IO_MEMORY)
            .ring_depth(GLOMMIO_RING_DEPTH)
            .preempt_timer(GLOMMIO_PREEMPT_TIMER)
            .spawn(move || run_core(core, node, spin, gathers, move |env| main(CoreStart { env, stop, rendezvous })))
            .map_err(|error| LaunchError::Core(core, error.to_string()))?;
        threads.push((core, thread));
    }
    let mut outcomes = Vec::new();
    for (core, thread) in threads {
        match thread.join() {
            Ok(Ok(outcome)) => outcomes.push(outcome),
            Ok(Err(error)) => return Err(LaunchError::Core(core, limits_of_process::ring_cure(&error))),
            Err(error) => return Err(LaunchError::Core(core, error.to_string())),
        }
    }
    Ok(outcomes)
}

/// One core from its first to its last moment.
async fn run_core<T, F>(
    id: CoreId,
    node: Arc<Node>,
    spin: Duration,
    gathers: Option<(usize, usize)>,
    main: impl FnOnce(RingEnv) -> F + 'static,
) -> io::Result<T>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    let env = RingEnv::new(id, node)?;
    let core = env.core.clone();
    let done = Rc::new(Cell::new(false));
    let outcome = Rc::new(Cell::new(None));
    core.tasks.spawn(Lane::Latency, env.clone().read_bell());
    core.tasks.spawn(Lane::Latency, {
        let (done, outcome) = (done.clone(), outcome.clone());
        async move {
            outcome.set(Some(main(env).await));
            done.set(true);
        }
    });
    let gathering = gathers.and_then(|(home, shared)| Gathering::new(id, home, shared, clock::now()).ok());
    pump(&core, &done, spin, gathering).await;
    Ok(outcome.take().expect("a core ends when its main future has"))
}
