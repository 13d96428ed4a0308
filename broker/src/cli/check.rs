//! `corelog check`: whether this machine can run a broker, and what to do where it cannot, or not well.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "runs in place of the broker, outside the environment"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{failure::Failure, output::Output, table::Table};
use crate::{
    config::machine_limits,
    core::{
        data_dir::DataDir,
        requirements::{self, Limit},
    },
};

/// The kernel that a broker needs at least.
const KERNEL: (u32, u32) = (6, 1);
/// Descriptors for a broker with many connections and segments.
const OPEN_FILES: u64 = 65_536;
/// Memory that io_uring may want to lock, where it is counted at all.
const LOCKED_MEMORY: u64 = 8 << 20;
const MEMORY: u64 = 1 << 30;
const FREE: u64 = 2 << 30;
/// A disk that takes longer to make a block durable makes every produce request wait for it.
const DURABLE_WRITE: Duration = Duration::from_millis(5);

#[derive(Args)]
pub(super) struct Check {
    /// The data directory to be, once for each disk; what is missing of it is made.
    #[arg(long = "data-dir", value_name = "DIR", default_value = "corelog-data")]
    data_dirs: Vec<PathBuf>,
    /// Answers in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Good,
    /// It runs, but not as well as it could.
    Advice,
    /// No broker runs.
    Bad,
}

/// One thing looked at: what, how it is, the verdict, what to do.
struct Finding(&'static str, String, Verdict, String);

impl Finding {
    fn good(what: &'static str, found: String) -> Self {
        Self(what, found, Verdict::Good, String::new())
    }

    /// Good if `well`, else `verdict` with what to do.
    fn judge(what: &'static str, found: String, well: bool, verdict: Verdict, cure: &str) -> Self {
        if well { Self::good(what, found) } else { Self(what, found, verdict, cure.to_owned()) }
    }
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut findings = vec![kernel(&requirements::kernel_release()), ring(), cpus(), memory()];
        findings.extend([open_files(), locked_memory(), clock()]);
        findings.extend(self.data_dirs.iter().flat_map(|dir| directory(dir)));
        let mut table = Table::new(["CHECK", "FOUND", "VERDICT", "WHAT TO DO"]);
        for Finding(what, found, verdict, cure) in &findings {
            let word = match verdict {
                Verdict::Good => "good",
                Verdict::Advice => "advice",
                Verdict::Bad => "BAD",
            };
            table.push([(*what).into(), found.as_str().into(), word.into(), cure.as_str().into()]);
        }
        Output { json: self.json }.table(&table);
        match findings.iter().filter(|finding| finding.2 == Verdict::Bad).count() {
            0 => Ok(()),
            bad => Err(format!("a broker does not run here: {bad} of {} are bad", findings.len()).into()),
        }
    }
}

fn directory(path: &Path) -> Vec<Finding> {
    let shown = path.display().to_string();
    let dir = match DataDir::take(path, Duration::ZERO) {
        Ok(dir) => dir,
        Err(error) => return vec![Finding("data directory", shown, Verdict::Bad, error.to_string())],
    };
    let mut findings = vec![Finding::good("data directory", format!("{shown}, direct I/O works"))];
    if let Ok((name, free)) = requirements::file_system(dir.path()) {
        let local = !matches!(name.as_str(), "nfs" | "fuse");
        let cure = "put the data directory on a local disk: what a network acknowledges may not be durable";
        findings.push(Finding::judge("file system", name, local, Verdict::Advice, cure));
        let cure = "make room: each core's journal takes 256 MiB beside the records (journal.size)";
        findings.push(Finding::judge("free space", mib(free), free >= FREE, Verdict::Advice, cure));
    }
    findings.push(match requirements::durable_write(dir.path()) {
        Ok((median, longest)) => {
            let found = format!("{} us, longest {} us", median.as_micros(), longest.as_micros());
            let cure = "every acknowledgement waits for this: take a disk with a protected write cache, or NVMe";
            Finding::judge("durable write", found, median <= DURABLE_WRITE, Verdict::Advice, cure)
        }
        Err(error) => Finding("durable write", error.to_string(), Verdict::Bad, "see the kernel's log".to_owned()),
    });
    findings
}

fn kernel(release: &str) -> Finding {
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let cure = "a broker needs Linux 6.1 or later: Debian 12, Ubuntu 24.04, RHEL 10 have one";
    Finding::judge("kernel", release.to_owned(), version >= KERNEL, Verdict::Bad, cure)
}

fn ring() -> Finding {
    match requirements::ring() {
        Ok(kernel) => {
            let more = [
                (kernel.message_to_ring, "messages between rings"),
                (kernel.truncate, "truncation"),
                (kernel.min_wait, "gathering waits"),
            ];
            let more: Vec<_> = more.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
            let with =
                if more.is_empty() { "as Linux 6.1 has it".to_owned() } else { format!("with {}", more.join(", ")) };
            Finding::good("io_uring", with)
        }
        Err(why) => Finding("io_uring", "not to be used".to_owned(), Verdict::Bad, why),
    }
}

fn cpus() -> Finding {
    let cpus = machine_limits::cores();
    Finding::good("CPUs", cpus.to_string())
}

fn memory() -> Finding {
    let memory = machine_limits::memory();
    let cure = "give it 1 GiB or more, or start it with a --memory that fits (it takes a quarter by itself)";
    Finding::judge("memory", mib(memory), memory >= MEMORY, Verdict::Advice, cure)
}

fn open_files() -> Finding {
    let (_, hard) = requirements::limit(Limit::OpenFiles);
    let cure =
        "each connection and each open segment is one: LimitNOFILE=1048576 in its unit, or /etc/security/limits.d";
    Finding::judge("open files", hard.to_string(), hard >= OPEN_FILES, Verdict::Advice, cure)
}

fn locked_memory() -> Finding {
    let (soft, _) = requirements::limit(Limit::LockedMemory);
    let found = if soft == u64::MAX { "unlimited".to_owned() } else { mib(soft) };
    let cure = "kernels that count io_uring's memory refuse rings: LimitMEMLOCK=infinity in its unit";
    Finding::judge("locked memory", found, soft >= LOCKED_MEMORY, Verdict::Advice, cure)
}

fn clock() -> Finding {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let clock = fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let fast = clock.is_empty() || clock.contains("tsc") || clock.contains("kvm") || clock.contains("arch_sys");
    let found = if clock.is_empty() { "not told".to_owned() } else { clock };
    let cure = "each look at this clock is a system call: let the host offer tsc or kvm-clock";
    Finding::judge("clock", found, fast, Verdict::Advice, cure)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_compared_by_number() {
        let verdict = |release| kernel(release).2;
        assert_eq!([verdict("6.1.0-18-amd64"), verdict("6.18"), verdict("10.0.1")], [Verdict::Good; 3]);
        assert_eq!([verdict("5.15.0"), verdict("6.0.9"), verdict("")], [Verdict::Bad; 3]);
    }
}
