//! What a run costs: the broker's CPU time, system calls, context switches, I/O and memory, and the machine's busy time.

use crate::error::{Error, Result};
use crate::machine::{Machine, tick};
use crate::report::Report;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A reading of the kernel's counters of a process.
#[derive(Clone, Copy, Default)]
struct Counters {
    /// CPU time of all threads, living and dead, in seconds.
    cpu: f64,
    /// Context switches of its living threads.
    switches: u64,
    /// Bytes that reached or left a disk.
    disk_read: u64,
    disk_written: u64,
}

/// CPU seconds of a process. The scheduler counts nanoseconds of each living thread; dead threads show only in the
/// process's own sum, which counts ticks, so the larger of the two is the truth.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum();
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        // A thread may end between the listing and the reading.
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        nanoseconds += text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok((ticks * tick()).max(nanoseconds / 1e9))
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Resident memory in bytes.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    Ok(field(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmRSS") * 1024)
}

/// Lets this process have as many connections as it may: shells leave it 1,024.
pub(crate) fn allow_connections() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit outlives both calls. Where they fail, connections say so when there are too many.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Open file descriptors.
pub(crate) fn files(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Context switches of the threads that live.
fn switches(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        sum += field(&text, "voluntary_ctxt_switches") + field(&text, "nonvoluntary_ctxt_switches");
    }
    Ok(sum)
}

impl Counters {
    fn read(pid: u32) -> Result<Self> {
        let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
        Ok(Self {
            cpu: cpu(pid)?,
            switches: switches(pid)?,
            disk_read: field(&io, "read_bytes"),
            disk_written: field(&io, "write_bytes"),
        })
    }
}

/// CPU seconds of the bench itself, and of brokers that only stand by.
fn aside(peers: &[u32]) -> Result<f64> {
    let mut sum = cpu(std::process::id())?;
    for pid in peers {
        sum += cpu(*pid)?;
    }
    Ok(sum)
}

/// Measures a broker from now until [`Meter::stop`].
pub(crate) struct Meter {
    pid: Option<u32>,
    peers: Vec<u32>,
    perf: Option<Child>,
    began: Instant,
    before: Counters,
    machine: Machine,
    aside: f64,
}

/// What was measured.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<f64>,
    pub(crate) syscalls: Option<u64>,
    pub(crate) switches: u64,
    pub(crate) disk_read: u64,
    pub(crate) disk_written: u64,
    pub(crate) memory: u64,
    /// Busy time of the machine beyond this process's own, and beyond that of brokers that stand by.
    pub(crate) others: f64,
    pub(crate) machine: Machine,
}

impl Meter {
    pub(crate) fn start(target: &crate::Target) -> Result<Self> {
        Self::start_beside(target.pid, target.syscalls, &[])
    }

    /// The same while `peers` stand by: what they use is not this broker's.
    pub(crate) fn start_beside(pid: Option<u32>, syscalls: bool, peers: &[u32]) -> Result<Self> {
        let perf = match pid {
            Some(pid) if syscalls => Some(perf(pid)?),
            _ => None,
        };
        let before = pid.map(Counters::read).transpose()?.unwrap_or_default();
        let (machine, aside) = (Machine::read()?, aside(peers)?);
        Ok(Self { pid, peers: peers.to_vec(), perf, began: Instant::now(), before, machine, aside })
    }

    pub(crate) fn stop(self) -> Result<Cost> {
        let elapsed = self.began.elapsed();
        let machine = Machine::read()?.since(&self.machine);
        let Some(pid) = self.pid else { return Ok(Cost { elapsed, machine, ..Cost::default() }) };
        let after = Counters::read(pid)?;
        Ok(Cost {
            elapsed,
            cpu: Some(after.cpu - self.before.cpu),
            syscalls: self.perf.map(perf_count).transpose()?,
            switches: after.switches.saturating_sub(self.before.switches),
            disk_read: after.disk_read - self.before.disk_read,
            disk_written: after.disk_written - self.before.disk_written,
            memory: memory(pid)?,
            others: machine.busy() - (aside(&self.peers)? - self.aside),
            machine,
        })
    }
}

fn perf(pid: u32) -> Result<Child> {
    let child = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &pid.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Error::Cannot(format!("perf: {e} (Debian: apt-get install linux-perf)")))?;
    // Until perf has attached to all threads.
    std::thread::sleep(Duration::from_millis(500));
    Ok(child)
}

fn perf_count(mut perf: Child) -> Result<u64> {
    // SAFETY: the child has not been waited for, so its id is still its own.
    unsafe { libc::kill(perf.id() as i32, libc::SIGINT) };
    let mut text = String::new();
    if let Some(mut stderr) = perf.stderr.take() {
        stderr.read_to_string(&mut text)?;
    }
    perf.wait()?;
    let line = text.lines().find(|line| line.contains("sys_enter"));
    let count = line.and_then(|line| line.split(',').next()?.parse().ok());
    count.ok_or_else(|| Error::Cannot(format!("perf counted nothing: {}", text.trim())))
}

impl Cost {
    /// Adds the figures, and those per request and per gigabyte.
    pub(crate) fn report(&self, report: &mut Report, requests: u64, bytes: u64) {
        report.number("seconds", self.elapsed.as_secs_f64());
        let Some(cpu) = self.cpu else { return };
        report.number("broker_cpu_s", cpu);
        report.number("others_cpu_s", self.others);
        if requests > 0 {
            report.number("broker_cpu_us_per_request", cpu * 1e6 / requests as f64);
        }
        if bytes > 0 {
            report.number("broker_cpu_s_per_gb", cpu * 1e9 / bytes as f64);
        }
        if let Some(syscalls) = self.syscalls {
            report.number("broker_syscalls", syscalls as f64);
            report.number("broker_syscalls_per_request", syscalls as f64 / requests.max(1) as f64);
        }
        report.number("broker_disk_read_bytes", self.disk_read as f64);
        report.number("broker_disk_written_bytes", self.disk_written as f64);
        report.number("broker_memory_mib", self.memory as f64 / (1 << 20) as f64);
    }
}
