//! The real broker, on a port and in a folder of its own. Tests that need one take turns: they measure.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static TURN: Mutex<()> = Mutex::new(());
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Broker {
    child: Child,
    /// The process that took its place.
    adopted: Option<u32>,
    address: String,
    spare_port: u16,
    dir: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// A folder on the disk of the build, of this process alone.
pub(crate) fn folder(kind: &str) -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{kind}-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir).expect("a folder");
    dir
}

/// Two ports that nobody has; nor has anybody the one behind the second.
fn free_ports() -> [u16; 2] {
    let bind = |port| TcpListener::bind(("127.0.0.1", port));
    let port = |listener: &TcpListener| listener.local_addr().expect("its address").port();
    let first = bind(0).expect("a port");
    loop {
        let second = bind(0).expect("a port");
        if port(&second).checked_add(1).is_some_and(|behind| bind(behind).is_ok()) {
            return [port(&first), port(&second)];
        }
    }
}

/// `CORELOG`, or what is built beside the bench.
fn program() -> PathBuf {
    let beside = || Path::new(env!("CARGO_BIN_EXE_corelog-bench")).with_file_name("corelog");
    let program = std::env::var_os("CORELOG").map_or_else(beside, PathBuf::from);
    assert!(program.exists(), "{} is not there: cargo build --bin corelog, or set CORELOG", program.display());
    program
}

/// What starts a broker, for the shell.
fn command(address: &str, dir: &Path) -> String {
    let (program, data, log) = (program(), dir.join("data"), dir.join("log"));
    let [program, data, log] = [&program, &data, &log].map(|path| format!("'{}'", path.display()));
    format!("{program} serve >>{log} 2>&1 --metrics none --memory 256MiB --listen {address} --data-dir {data}")
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::configured(|_| String::new())
    }

    /// With what `config` makes of its spare port.
    pub(crate) fn configured(config: impl Fn(u16) -> String) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let [port, spare_port] = free_ports();
        let (address, dir) = (format!("127.0.0.1:{port}"), folder("broker"));
        let file = dir.join("corelog.toml");
        fs::write(&file, config(spare_port)).expect("a file");
        let command = format!("exec {} --config '{}'", command(&address, &dir), file.display());
        let child = Command::new("sh").args(["-c", &command]).stdin(Stdio::null()).spawn().expect("the broker starts");
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "the broker does not listen; see {}", dir.join("log").display());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, adopted: None, address, spare_port, dir, _turn: turn }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// As the command line takes it.
    pub(crate) fn endpoint(&self) -> String {
        format!("{},{}", self.address, self.child.id())
    }

    /// A port of its own that nobody else listens on, nor on the one behind it.
    pub(crate) fn spare_port(&self) -> u16 {
        self.spare_port
    }

    /// The folder that has all of it.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.clone()
    }

    /// Starts it again, and prints the new process.
    pub(crate) fn command(&self) -> String {
        format!("{} & echo $!", command(&self.address, &self.dir))
    }

    /// Another process serves in its place, and goes with it.
    pub(crate) fn adopt(&mut self, pid: u32) {
        self.adopted = (pid != self.child.id()).then_some(pid);
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: the child has not been waited for, so its id is still its own.
        let sent = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(sent, 0);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(pid) = self.adopted {
            // SAFETY: takes numbers alone.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
        }
        // Who looks into a failure wants its log.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
