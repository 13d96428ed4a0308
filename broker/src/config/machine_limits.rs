//! What this machine offers: its cores, its memory, its name. Read once, before any core starts.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "runs before the cores do, outside the environment"
)]

use std::{fs, path::Path, thread};

/// How many cores this process may run on.
pub fn cores() -> u16 {
    thread::available_parallelism().map_or(1, |count| u16::try_from(count.get()).unwrap_or(u16::MAX))
}

/// Bytes of memory that this process may count on: the machine's, or its cgroup's limit if that is lower.
pub fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| parse_meminfo(&text)).unwrap_or(1 << 30);
    match cgroup_limit() {
        Some(limit) => machine.min(limit),
        None => machine,
    }
}

/// This machine's name, as other machines may know it.
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

fn parse_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The lowest limit of the process's cgroup (v2) and of those around it.
fn cgroup_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let root = Path::new("/sys/fs/cgroup");
    let limit = |dir: &Path| fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse::<u64>().ok();
    root.join(path).ancestors().take_while(|dir| dir.starts_with(root)).filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_in_bytes() {
        assert_eq!(parse_meminfo("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16384 * 1024));
        assert_eq!(parse_meminfo("nothing"), None);
        assert!(memory() > 1 << 20);
        assert!(cores() >= 1);
    }
}
