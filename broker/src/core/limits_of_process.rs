//! What the system lets this process do: its CPUs, its open files, io_uring, and what to do where it is refused.

use std::io;

/// The CPUs this process may run on.
pub(super) fn cpus() -> Vec<usize> {
    // SAFETY: a set of bits, of which zeroes are valid; the call fills it in.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) != 0 {
            return vec![0];
        }
        set
    };
    // SAFETY: looks at bits inside the set.
    (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Raises the soft limit of open files to the hard one: each connection and each segment is one.
pub(super) fn raise_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads and writes the struct it is given.
    let outcome = unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 || limit.rlim_cur == limit.rlim_max {
            return;
        }
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    };
    if outcome != 0 {
        tracing::warn!("the limit of open files stays low: {}", io::Error::last_os_error());
    }
}

/// Freed memory that the allocator keeps of each core's, in bytes; longer pieces are the system's each time.
const KEPT_FREED: i32 = 16 << 20;
/// See [`KEPT_FREED`].
const LONGEST_KEPT: i32 = 4 << 20;

/// Has the allocator keep what large requests leave. It gave back all but 128 KiB, each time the newest piece was freed, and
/// a page that is touched anew costs 2 us (64 KiB batches: 0.96x of the CPU per GB).
pub(super) fn keep_freed_memory() {
    // SAFETY: sets two numbers of the C library's allocator.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_FREED);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LONGEST_KEPT);
    }
}

/// Why there is no ring, and what to do about it.
pub(super) fn ring_cure(error: &io::Error) -> String {
    let cure = match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has no io_uring, or a container's seccomp profile hides it: \
             use Linux 6.1 or later, and a profile that allows io_uring (Docker: --security-opt seccomp=unconfined)"
            .to_owned(),
        Some(libc::EPERM | libc::EACCES) => match disabled_by_sysctl() {
            Some("2") => "it is switched off; as root: sysctl -w kernel.io_uring_disabled=0".to_owned(),
            Some("1") => "it is switched off for ordinary users; as root: sysctl -w kernel.io_uring_disabled=0, \
                          or put this user into the group of the sysctl kernel.io_uring_group"
                .to_owned(),
            _ => "a security policy forbids it: use a seccomp profile that allows io_uring \
                  (Docker: --security-opt seccomp=unconfined), or look for what SELinux or AppArmor denied"
                .to_owned(),
        },
        Some(libc::EINVAL) => "this kernel's io_uring is too old: use Linux 6.1 or later".to_owned(),
        Some(libc::ENOMEM) => "too little lockable memory: raise `ulimit -l` (LimitMEMLOCK= in a service unit) to \
                               8192 KiB or more"
            .to_owned(),
        _ => return format!("cannot use io_uring: {error}"),
    };
    format!("cannot use io_uring ({error}): {cure}")
}

fn disabled_by_sysctl() -> Option<&'static str> {
    let text = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok()?;
    ["0", "1", "2"].into_iter().find(|value| *value == text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_ring_names_a_cure() {
        let cure = |code| ring_cure(&io::Error::from_raw_os_error(code));
        assert!(cure(libc::ENOSYS).contains("Linux 6.1"));
        assert!(cure(libc::EPERM).contains("seccomp"));
        assert!(cure(libc::EINVAL).contains("too old"));
        assert!(cure(libc::ENOMEM).contains("ulimit -l"));
    }

    #[test]
    fn the_process_has_a_cpu() {
        assert!(!cpus().is_empty());
    }
}
