//! Cores that have little to do share the CPU that the disk interrupts, where it interrupts one alone; each goes back to a CPU of
//! its own when there is more to do.
//!
//! A core on another CPU is woken across for each of its writes, and cores that talk to each other wake each other's CPUs. With
//! two cores, 5,000 requests/s by 16 connections took 0.67x of the CPU on one CPU, with a p50 of 0.7x and a p99 of 0.4x; one
//! producer and one consumer over 10 partitions 0.48x. As much as two cores can do takes two CPUs: 0.7x of the requests on one.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use corelog_storage::env::Instant;

use crate::core::env::CoreId;

/// How often a core that is awake looks at its load, at most.
const LOOKS: Duration = Duration::from_millis(10);
/// A core that has not looked for so long sleeps.
const SLEEPS: Duration = Duration::from_millis(50);
/// While all cores' load is less than this part of one CPU, in thousandths, and has been for [`QUIET_FOR`], they gather.
const QUIET: u64 = 450;
/// From this part on they part. What they wait for a CPU counts, or it could not be seen that one is too few.
const BUSY: u64 = 800;
/// See [`QUIET`].
const QUIET_FOR: Duration = Duration::from_millis(200);

/// Each core's load: what it ran and what it waited to run, in thousandths of a CPU.
pub(super) struct Loads(Vec<AtomicU64>);

impl Loads {
    pub(super) fn new(cores: u16) -> Self {
        Self((0..cores).map(|_| AtomicU64::new(0)).collect())
    }

    /// The time in ms is above, the load in the lower 16 bits.
    fn post(&self, core: CoreId, now: Instant, load: u64) {
        self.0[core.0 as usize].store(ms(now) << 16 | load.min(0xffff), Ordering::Relaxed);
    }

    /// Of all cores that are awake.
    fn sum(&self, now: Instant) -> u64 {
        let awake = |posted: u64| ms(now).saturating_sub(posted >> 16) < SLEEPS.as_millis() as u64;
        self.0
            .iter()
            .map(|load| load.load(Ordering::Relaxed))
            .filter(|posted| awake(*posted))
            .map(|load| load & 0xffff)
            .sum()
    }
}

fn ms(now: Instant) -> u64 {
    now.0 / 1_000_000
}

/// Where a core runs, and what it knows of its load.
pub(super) struct Gathering {
    core: CoreId,
    /// Its own CPU, and the one that all gather on: one core has it for its own, and only tells its load.
    home: usize,
    shared: usize,
    place: Place,
    quiet_since: Option<Instant>,
    /// The kernel's account of the thread.
    account: File,
    looked: Instant,
    spent: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Home,
    Shared,
}

impl Gathering {
    /// For the calling thread, which runs on `home`. An error where the kernel keeps no account of how long threads wait.
    pub(super) fn new(core: CoreId, home: usize, shared: usize, now: Instant) -> io::Result<Self> {
        let account = File::open("/proc/thread-self/schedstat")?;
        let spent = spent(&account)?;
        let (place, quiet_since) = (Place::Home, None);
        Ok(Self { core, home, shared, place, quiet_since, account, looked: now, spent })
    }

    /// Looks whether to move, if it has not just done so. To be called whenever the core is awake.
    pub(super) fn look(&mut self, loads: &Loads, now: Instant) {
        let since = now.since(self.looked);
        if since < LOOKS {
            return;
        }
        // A thread's account does not go away while it runs.
        let Ok(spent) = spent(&self.account) else { return };
        let load = (spent - self.spent) * 1000 / since.as_nanos() as u64;
        (self.looked, self.spent) = (now, spent);
        loads.post(self.core, now, load);
        if let Some(place) = self.decide(loads.sum(now), now) {
            self.place = place;
            run_on(if place == Place::Home { self.home } else { self.shared });
        }
    }

    /// Where to go now, with all cores' load being `sum`.
    fn decide(&mut self, sum: u64, now: Instant) -> Option<Place> {
        if sum >= QUIET {
            self.quiet_since = None;
        }
        match self.place {
            Place::Shared => (sum >= BUSY).then_some(Place::Home),
            Place::Home if sum < QUIET => {
                let since = *self.quiet_since.get_or_insert(now);
                (now.since(since) >= QUIET_FOR).then_some(Place::Shared)
            }
            Place::Home => None,
        }
    }
}

/// Nanoseconds that a thread ran and waited to run.
fn spent(account: &File) -> io::Result<u64> {
    let mut text = [0; 64];
    let length = account.read_at(&mut text, 0)?;
    let numbers = std::str::from_utf8(&text[..length]).unwrap_or_default().split_whitespace();
    let parsed: Vec<u64> = numbers.take(2).filter_map(|number| number.parse().ok()).collect();
    match parsed[..] {
        [ran, waited] => Ok(ran + waited),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Has the calling thread run on `cpu` alone. It stays where it is if that is not allowed any more.
fn run_on(cpu: usize) {
    // SAFETY: a set of bits, of which zeroes are valid; the call reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{clock, limits_of_process::cpus};

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    fn gathering() -> Gathering {
        let cpus = cpus();
        Gathering::new(CoreId(1), cpus[cpus.len() - 1], cpus[0], clock::now()).expect("this kernel keeps accounts")
    }

    #[test]
    fn cores_gather_after_a_quiet_while_and_part_at_once() {
        let mut core = gathering();
        assert_eq!(core.decide(100, at(0)), None);
        assert_eq!(core.decide(QUIET, at(100)), None, "it was not quiet all the while");
        assert_eq!(core.decide(100, at(150)), None);
        assert_eq!(core.decide(100, at(349)), None);
        assert_eq!(core.decide(100, at(350)), Some(Place::Shared));
        core.place = Place::Shared;
        assert_eq!(core.decide(BUSY - 1, at(400)), None, "between the bounds nothing moves");
        assert_eq!(core.decide(BUSY, at(410)), Some(Place::Home));
        core.place = Place::Home;
        assert_eq!(core.decide(BUSY - 1, at(1000)), None);
    }

    #[test]
    fn the_load_is_that_of_cores_that_are_awake() {
        let loads = Loads::new(3);
        loads.post(CoreId(0), at(1000), 300);
        loads.post(CoreId(1), at(1030), 200);
        loads.post(CoreId(2), at(1040), 90_000);
        assert_eq!(loads.sum(at(1040)), 300 + 200 + 0xffff);
        assert_eq!(loads.sum(at(1060)), 200 + 0xffff, "the first sleeps since");
        assert_eq!(loads.sum(at(1100)), 0);
    }

    /// A real thread: it sleeps, then has much to do.
    #[test]
    fn a_thread_goes_to_the_shared_cpu_and_home_again() {
        let thread = std::thread::spawn(|| {
            let (mut core, loads) = (gathering(), Loads::new(2));
            let deadline = clock::now().after(Duration::from_secs(20));
            while core.place == Place::Home && clock::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
                core.look(&loads, clock::now());
            }
            assert_eq!(cpus(), [core.shared]);
            while core.place == Place::Shared && clock::now() < deadline {
                core.look(&loads, clock::now());
            }
            assert_eq!(cpus(), [core.home]);
        });
        thread.join().expect("it went");
    }
}
