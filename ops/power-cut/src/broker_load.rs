//! The broker under real clients as what the power is cut under.
//!
//! A broker runs in one process, its clients in others: two idempotent loads, a static member of a group that commits what
//! it read, and one that creates topics with small segments, writes to them, commits to many groups and deletes the topics
//! again, all without pause. The clients die with the power; those of the next round are new ones.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cuts::{Checked, Load},
    source::{Promises, Source},
};

/// Small, so that checkpoints are frequent.
const CONFIGURATION: &str = "\
journal.size = \"4MiB\"
log.segment.bytes = 1048576
offsets.topic.segment.bytes = 1048576
log.segment.delete.delay.ms = 0
group.initial.rebalance.delay.ms = 0
num.partitions = 4
";
/// What all of these begin with is verified.
const TOPICS: &str = "cut-*";
/// A broker that does not answer by then has not recovered.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// What the broker says when it serves.
const READY: &str = " ready ";
/// What the broker says when something durable is missing.
const SUSPICION: &str = "acknowledged records may be missing";

pub(crate) struct BrokerLoad {
    broker: PathBuf,
    clients: PathBuf,
    work: PathBuf,
    port: u16,
    running: Option<Child>,
    sources: Vec<Source>,
}

impl BrokerLoad {
    pub(crate) fn new(broker: &Path, clients: &Path, work: &Path, port: u16) -> Self {
        let (broker, clients, work) = (broker.to_owned(), clients.to_owned(), work.to_owned());
        Self { broker, clients, work, port, running: None, sources: Vec::new() }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn log(&self) -> PathBuf {
        self.work.join("broker.log")
    }

    /// Starts the broker and waits until it says that it is ready; false if it never does. Its port tells nothing: a killed
    /// broker's may still answer for a moment.
    fn start_broker(&mut self, data: &Path) -> io::Result<bool> {
        let configuration = self.work.join("broker.toml");
        fs::write(&configuration, CONFIGURATION)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let said_before = self.log_so_far()?.len();
        let mut command = Command::new(&self.broker);
        command.args(["serve", "--cores", "2", "--memory", "256MiB", "--listen", &self.address(), "--config"]);
        command.arg(configuration).arg("--data-dir").arg(data).stdout(Stdio::null()).stderr(log);
        self.running = Some(command.spawn()?);
        let deadline = Instant::now() + STARTS_WITHIN;
        while !self.log_so_far()?[said_before..].contains(READY) {
            if self.ended()?.is_some() || Instant::now() > deadline {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(true)
    }

    /// How the broker ended, if it did.
    fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        Ok(self.running.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.clients);
        command.arg(arguments[0]).arg(self.address()).args(&arguments[1..]);
        command
    }

    fn log_so_far(&self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log())?).into_owned())
    }
}

impl Load for BrokerLoad {
    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("a ", "acknowledged records"),
            ("t ", "created topics"),
            ("x ", "deleted topics"),
            ("c ", "committed offsets"),
            ("c cut-readers ", "commits of a member"),
        ]
    }

    fn start(&mut self, data: &Path, round: u64, promises: &Promises) -> io::Result<()> {
        if self.running.is_none() && !self.start_broker(data)? {
            return Err(io::Error::other(format!("the broker does not start: {}", self.log_so_far()?)));
        }
        let id = |name: &str| format!("cut-{name}-{round}");
        let commands = [
            self.client(&[
                "load",
                &id("small"),
                "cut-main",
                "-rate",
                "2000",
                "-keys",
                "40",
                "-size",
                "400",
                "-create",
                "6",
            ]),
            self.client(&[
                "load",
                &id("large"),
                "cut-main,cut-second",
                "-rate",
                "100",
                "-keys",
                "10",
                "-size",
                "9000",
                "-burst",
                "10",
                "-create",
                "6",
            ]),
            self.client(&["member", "cut-readers", "cut-main", "range", "the-reader"]),
            self.client(&["churn", &id("churn")]),
        ];
        for mut command in commands {
            self.sources.push(Source::spawn(command.stderr(Stdio::null()), promises)?);
        }
        Ok(())
    }

    fn runs(&mut self) -> io::Result<()> {
        self.sources.iter_mut().try_for_each(Source::runs)?;
        match self.ended()? {
            Some(status) => {
                Err(io::Error::other(format!("the broker ended by itself: {status}: {}", self.log_so_far()?)))
            }
            None => Ok(()),
        }
    }

    fn kill(&mut self) -> io::Result<()> {
        if let Some(mut broker) = self.running.take() {
            broker.kill()?;
            broker.wait()?;
        }
        self.sources.drain(..).try_for_each(|mut source| source.kill())
    }

    /// The broker that is checked stays, for the next round.
    fn check(&mut self, data: &Path, promised: &Path) -> io::Result<Checked> {
        if !self.start_broker(data)? {
            return Ok(Checked::Wrong(format!("the broker does not start: {}", self.log_so_far()?)));
        }
        let promised = promised.display().to_string();
        let verdict = self.client(&["verify", TOPICS, &promised]).output()?;
        let said = String::from_utf8_lossy(&verdict.stdout).into_owned();
        if let Some(status) = self.ended()? {
            return Ok(Checked::Wrong(format!("the broker ended by itself: {status}: {}", self.log_so_far()?)));
        }
        let Some((_, compared)) = said.split_once(" against ") else {
            let why = String::from_utf8_lossy(&verdict.stderr);
            return Err(io::Error::other(format!("the verifier came to no verdict: {said}{why}")));
        };
        if !verdict.status.success() {
            return Ok(Checked::Wrong(said));
        }
        if self.log_so_far()?.contains(SUSPICION) {
            return Ok(Checked::Wrong(self.log_so_far()?));
        }
        let compared = compared.split(' ').next().and_then(|count| count.parse().ok());
        Ok(Checked::Right(compared.ok_or_else(|| io::Error::other(format!("not a verdict: {said}")))?))
    }

    /// The verifier needs to know what was deleted.
    fn forget(&self, _: &mut Vec<String>) {}

    fn end(&mut self) -> io::Result<()> {
        self.kill()
    }
}

impl Drop for BrokerLoad {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
