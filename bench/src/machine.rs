//! The machine's own counters: busy and stolen time, tasks that wait for a processor, what its disks wrote and flushed.

use crate::error::Result;
use std::fs;

const SECTOR: u64 = 512;

/// A reading of the kernel's counters, or the difference of two.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Machine {
    /// Seconds, summed over the processors.
    idle: f64,
    stolen: f64,
    all: f64,
    /// Seconds in which some task waited for a processor; 0 where the kernel does not say.
    pub(crate) pressure: f64,
    /// Bytes that the disks took, and the flushes of their caches they were asked for.
    pub(crate) disk_written: u64,
    pub(crate) disk_flushes: u64,
}

/// Seconds of the kernel's clock tick, in which it counts most times.
pub(crate) fn tick() -> f64 {
    // SAFETY: sysconf has no preconditions.
    1.0 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// Of `/proc/stat`: the processors, and their idle and stolen seconds. Idle time is exact, waiting for a disk included; busy time
/// is only sampled, and misses short work that comes between two ticks.
fn processors(stat: &str, tick: f64) -> (usize, f64, f64) {
    let numbers = |line: &str| -> Vec<f64> { line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect() };
    let first = numbers(stat.lines().next().unwrap_or_default());
    let sum = |places: &[usize]| places.iter().filter_map(|at| first.get(*at)).sum::<f64>() * tick;
    let count = stat.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    (count, sum(&[3, 4]), sum(&[7]))
}

/// Seconds since the machine began, of `/proc/uptime`.
fn uptime(text: &str) -> f64 {
    text.split_whitespace().next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

/// Seconds of `/proc/pressure/cpu` in which some task waited.
fn waited(pressure: &str) -> f64 {
    let some = pressure.lines().find(|line| line.starts_with("some"));
    let total = some.and_then(|line| line.rsplit_once("total=")?.1.trim().parse::<f64>().ok());
    total.unwrap_or_default() / 1e6
}

/// A disk's bytes written and flushes, of its `stat` file.
fn disk(stat: &str) -> (u64, u64) {
    let field = |at: usize| stat.split_whitespace().nth(at).and_then(|n| n.parse().ok()).unwrap_or(0_u64);
    (field(6) * SECTOR, field(15))
}

/// Sums over the disks that are devices, not loops or layers over others.
fn disks() -> (u64, u64) {
    let (mut written, mut flushes) = (0, 0);
    for entry in fs::read_dir("/sys/block").into_iter().flatten().flatten() {
        if entry.path().join("device").exists() {
            let (bytes, count) = disk(&fs::read_to_string(entry.path().join("stat")).unwrap_or_default());
            (written, flushes) = (written + bytes, flushes + count);
        }
    }
    (written, flushes)
}

/// Waits until the disks have what is in the page cache: a gigabyte on its way there is a neighbour to whoever is measured
/// next, and is whose load it was.
pub(crate) fn write_back() {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::sync() };
}

impl Machine {
    pub(crate) fn read() -> Result<Self> {
        let (count, idle, stolen) = processors(&fs::read_to_string("/proc/stat")?, tick());
        let all = uptime(&fs::read_to_string("/proc/uptime")?) * count as f64;
        let pressure = waited(&fs::read_to_string("/proc/pressure/cpu").unwrap_or_default());
        let (disk_written, disk_flushes) = disks();
        Ok(Self { idle, stolen, all, pressure, disk_written, disk_flushes })
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            idle: self.idle - before.idle,
            stolen: self.stolen - before.stolen,
            all: self.all - before.all,
            pressure: self.pressure - before.pressure,
            disk_written: self.disk_written.saturating_sub(before.disk_written),
            disk_flushes: self.disk_flushes.saturating_sub(before.disk_flushes),
        }
    }

    pub(crate) fn busy(&self) -> f64 {
        self.all - self.idle - self.stolen
    }

    /// The share of the processors' time that another machine took.
    pub(crate) fn steal(&self) -> f64 {
        if self.all > 0.0 { self.stolen / self.all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "cpu  100 1 50 800 40 3 6 25 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\nintr 5\n";
        let (count, idle, stolen) = processors(stat, 0.01);
        assert!(count == 2 && (idle - 8.4).abs() < 1e-9 && (stolen - 0.25).abs() < 1e-9);
        assert_eq!(uptime("350.25 600.10\n"), 350.25);
        let machine = Machine { idle, stolen, all: 10.0, ..Machine::default() };
        assert!((machine.busy() - 1.35).abs() < 1e-9 && (machine.steal() - 0.025).abs() < 1e-9);
        assert_eq!(waited("some avg10=8.02 avg60=6.77 avg300=2.91 total=2500000\nfull avg10=0.00 total=7\n"), 2.5);
        assert_eq!(waited(""), 0.0);
        assert_eq!(disk("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), (7 * 512, 16));
    }
}
