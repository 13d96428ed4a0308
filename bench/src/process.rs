//! What a run costs: the broker's CPU time, system calls, I/O and memory, and the machine's busy time.

use crate::error::{Error, Result};
use crate::report::Report;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A reading of the kernel's counters.
#[derive(Clone, Copy, Default)]
struct Counters {
    /// CPU time of all threads, living and dead, in seconds.
    cpu: f64,
    /// Bytes that reached or left a disk.
    disk_read: u64,
    disk_written: u64,
    /// Busy time of the whole machine, and of this process, in seconds.
    machine: f64,
    own: f64,
}

fn tick() -> f64 {
    // SAFETY: sysconf has no preconditions.
    1.0 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// CPU seconds of a process. The scheduler counts nanoseconds of each living thread; dead threads show only in the
/// process's own sum, which counts ticks, so the larger of the two is the truth.
fn cpu(pid: u32) -> Result<f64> {
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

fn machine() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let first = stat.lines().next().unwrap_or_default();
    let numbers: Vec<f64> = first.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, (idle, iowait left out), irq, softirq
    Ok([0, 1, 2, 5, 6].iter().filter_map(|at| numbers.get(*at)).sum::<f64>() * tick())
}

impl Counters {
    fn read(pid: u32) -> Result<Self> {
        let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
        Ok(Self {
            cpu: cpu(pid)?,
            disk_read: field(&io, "read_bytes"),
            disk_written: field(&io, "write_bytes"),
            machine: machine()?,
            own: cpu(std::process::id())?,
        })
    }
}

/// Measures a broker from now until [`Meter::stop`].
pub(crate) struct Meter {
    pid: Option<u32>,
    perf: Option<Child>,
    began: Instant,
    before: Counters,
}

/// What was measured.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<f64>,
    syscalls: Option<u64>,
    disk_read: u64,
    disk_written: u64,
    memory: u64,
    /// Busy time of the machine beyond this process's own.
    others: f64,
}

impl Meter {
    pub(crate) fn start(target: &crate::Target) -> Result<Self> {
        let perf = match target.pid {
            Some(pid) if target.syscalls => Some(perf(pid)?),
            _ => None,
        };
        let before = target.pid.map(Counters::read).transpose()?.unwrap_or_default();
        Ok(Self { pid: target.pid, perf, began: Instant::now(), before })
    }

    pub(crate) fn stop(self) -> Result<Cost> {
        let elapsed = self.began.elapsed();
        let Some(pid) = self.pid else { return Ok(Cost { elapsed, ..Cost::default() }) };
        let after = Counters::read(pid)?;
        let others = (after.machine - self.before.machine) - (after.own - self.before.own);
        Ok(Cost {
            elapsed,
            cpu: Some(after.cpu - self.before.cpu),
            syscalls: self.perf.map(perf_count).transpose()?,
            disk_read: after.disk_read - self.before.disk_read,
            disk_written: after.disk_written - self.before.disk_written,
            memory: memory(pid)?,
            others,
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
