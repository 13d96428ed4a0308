//! What the kernel knows of this process: its CPU time, its memory, its open files.

use std::fs;

/// Figures of the process, as Prometheus names them `process_...`; zero where the kernel does not tell.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ProcessFigures {
    /// CPU time of all threads, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub resident_bytes: f64,
    /// Open file descriptors.
    pub open_files: f64,
    /// As many may be open.
    pub most_files: f64,
    /// Start of the process, in seconds since 1970.
    pub start_seconds: f64,
}

impl ProcessFigures {
    /// As they are now. Reads /proc: not for a core's thread.
    pub fn read() -> Self {
        // SAFETY: sysconf has no preconditions.
        let (tick, page) =
            unsafe { (libc::sysconf(libc::_SC_CLK_TCK) as f64, libc::sysconf(libc::_SC_PAGESIZE) as f64) };
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // After the name, which may hold anything, in the numbering of proc(5): the state is the third field.
        let fields: Vec<f64> =
            stat.rsplit(") ").next().unwrap_or_default().split(' ').map(|f| f.parse().unwrap_or_default()).collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok()).unwrap_or_default();
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: fills the struct it is given.
        unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        Self {
            cpu_seconds: (field(14) + field(15)) / tick,
            resident_bytes: field(24) * page,
            open_files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as f64,
            most_files: limit.rlim_cur as f64,
            start_seconds: boot + field(22) / tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_this_process() {
        let figures = ProcessFigures::read();
        assert!(figures.resident_bytes > 1e5 && figures.open_files >= 3.0, "{figures:?}");
        assert!(figures.most_files >= figures.open_files && figures.start_seconds > 1.6e9, "{figures:?}");
    }
}
