//! A broker that is killed under load, and how long it is away.

use super::Site;
use crate::client::Connection;
use crate::error::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(10);

/// Kills it as `kill -9` does, and waits until it is gone.
pub(crate) fn kill(site: &Site<'_>) -> Result<()> {
    let pid =
        site.target.pid.ok_or_else(|| Error::Cannot("a broker to kill needs its process: host:port,pid".into()))?;
    // SAFETY: takes numbers alone.
    if unsafe { libc::kill(pid as i32, libc::SIGKILL) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    let gone = || {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
        // Its parent may leave it as a zombie.
        stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
    };
    let began = Instant::now();
    while !gone() {
        if began.elapsed() > PATIENCE {
            return Err(Error::Cannot(format!("process {pid} does not go")));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Starts it again; how long until each partition could be read, and its process.
pub(crate) fn again(site: &Site<'_>, topic: &str, partitions: i32) -> Result<(Duration, u32)> {
    let command =
        site.restart.ok_or_else(|| Error::Cannot("a broker to kill needs a command that restarts it".into()))?;
    let began = Instant::now();
    let child = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let answers = || Connection::open(&site.target.address)?.answers(topic, partitions);
    while !answers().unwrap_or(false) {
        if began.elapsed() > PATIENCE {
            return Err(Error::Cannot(format!("the broker does not answer {PATIENCE:?} after it was killed")));
        }
        std::thread::sleep(PAUSE);
    }
    let took = began.elapsed();
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let pid = said.lines().next_back().and_then(|line| line.trim().parse().ok());
    let pid = pid.ok_or_else(|| Error::Cannot(format!("the command that restarts printed no process id: {said:?}")))?;
    Ok((took, pid))
}
