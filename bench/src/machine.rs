//! The machine's own counters: busy and stolen time, tasks that wait for a processor, what its disks wrote and flushed.

use crate::error::Result;
use std::fs;

const SECTOR: u64 = 512;

/// A reading of the kernel's counters, or the difference of two.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Machine {
    /// Seconds, summed over the processors.
    pub(crate) busy: f64,
    pub(crate) stolen: f64,
    pub(crate) all: f64,
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

/// The seconds of `/proc/stat`'s first line: (busy, stolen, all). Idle processors and those that wait for a disk are not
/// busy.
fn processors(stat: &str, tick: f64) -> (f64, f64, f64) {
    let first = stat.lines().next().unwrap_or_default();
    let numbers: Vec<f64> = first.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    let sum = |places: &[usize]| places.iter().filter_map(|at| numbers.get(*at)).sum::<f64>() * tick;
    // user, nice, system, irq, softirq; idle and iowait; steal. What guests use is in user and nice already.
    let (busy, idle, stolen) = (sum(&[0, 1, 2, 5, 6]), sum(&[3, 4]), sum(&[7]));
    (busy, stolen, busy + idle + stolen)
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

impl Machine {
    pub(crate) fn read() -> Result<Self> {
        let (busy, stolen, all) = processors(&fs::read_to_string("/proc/stat")?, tick());
        let pressure = waited(&fs::read_to_string("/proc/pressure/cpu").unwrap_or_default());
        let (disk_written, disk_flushes) = disks();
        Ok(Self { busy, stolen, all, pressure, disk_written, disk_flushes })
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            busy: self.busy - before.busy,
            stolen: self.stolen - before.stolen,
            all: self.all - before.all,
            pressure: self.pressure - before.pressure,
            disk_written: self.disk_written.saturating_sub(before.disk_written),
            disk_flushes: self.disk_flushes.saturating_sub(before.disk_flushes),
        }
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
        let stat = "cpu  100 1 50 800 40 3 6 25 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        let (busy, stolen, all) = processors(stat, 0.01);
        assert!((busy - 1.6).abs() < 1e-9 && (stolen - 0.25).abs() < 1e-9 && (all - 10.25).abs() < 1e-9);
        assert_eq!(waited("some avg10=8.02 avg60=6.77 avg300=2.91 total=2500000\nfull avg10=0.00 total=7\n"), 2.5);
        assert_eq!(waited(""), 0.0);
        assert_eq!(disk("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), (7 * 512, 16));
    }
}
