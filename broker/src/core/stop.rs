//! Ending in order: a request to stop that every core hears, and a place where all cores meet between steps.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::core::{
    env::{CoreId, NetEnv},
    node::Node,
};

/// Tells all cores of a node that it is to stop.
#[derive(Clone, Default)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    /// Whose bells to ring; none in a simulation, where [`Stop::request_from`] does it.
    node: Option<Arc<Node>>,
}

impl Stop {
    pub(super) fn of(node: Arc<Node>) -> Self {
        Self { requested: Arc::default(), node: Some(node) }
    }

    /// Requests the stop, from any thread.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Release);
        if let Some(node) = &self.node {
            for core in 0..node.cores() {
                node.bell(CoreId(core)).ring_from_thread();
            }
        }
    }

    /// Requests the stop from a core.
    pub fn request_from(&self, env: &impl NetEnv) {
        self.requested.store(true, Ordering::Release);
        (0..env.cores()).for_each(|core| env.notify(CoreId(core)));
    }

    /// Whether the stop was requested.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Resolves when it is.
    pub async fn requested(&self, env: &impl NetEnv) {
        let mut rung = 0;
        while !self.is_requested() {
            rung = env.notified(rung).await;
        }
    }
}

/// A place where all cores of a node meet: nobody leaves before everybody has come. May be used again and again.
#[derive(Clone)]
pub struct Rendezvous {
    cores: u16,
    /// How many meetings there were, and how many cores have come to the next.
    come: Arc<Mutex<(u64, u16)>>,
}

impl Rendezvous {
    /// For so many cores.
    pub fn new(cores: u16) -> Self {
        Self { cores, come: Arc::default() }
    }

    /// Comes, and waits for the others.
    pub async fn meet(&self, env: &impl NetEnv) {
        let meeting = {
            let mut come = self.lock();
            come.1 += 1;
            let meeting = come.0;
            if come.1 == self.cores {
                *come = (meeting + 1, 0);
                (0..self.cores).for_each(|core| env.notify(CoreId(core)));
            }
            meeting
        };
        let mut rung = 0;
        while self.lock().0 == meeting {
            rung = env.notified(rung).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (u64, u16)> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SIGTERM and SIGINT request the stop; the next one ends the process at once. To be called before other threads start:
/// they inherit that these signals wait for the thread this starts.
pub(super) fn stop_on_signals(stop: Stop) -> io::Result<()> {
    // SAFETY: a set of bits, of which zeroes are valid, filled in by the calls that follow.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: plain calls on a set that lives across them.
    let outcome = unsafe {
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut())
    };
    if outcome != 0 {
        return Err(io::Error::from_raw_os_error(outcome));
    }
    std::thread::Builder::new().name("corelog-signals".into()).spawn(move || {
        loop {
            let mut signal = 0;
            // SAFETY: waits for one of the set; both live across the call.
            if unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {
                continue;
            }
            if stop.is_requested() {
                std::process::exit(128 + signal);
            }
            tracing::info!(signal, "stopping");
            stop.request();
        }
    })?;
    Ok(())
}
