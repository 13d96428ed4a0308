//! `run` and `compare`: a workload on one broker, or on two in turns.

pub(crate) mod claim;
pub(crate) mod rules;
mod session;
pub(crate) mod stats;

use crate::error::{Error, Result};
use crate::output::summary::{Host, SCHEMA, Status, Summary, Target};
use crate::output::{self, Output};
use crate::target::Endpoint;
use crate::workload::{Workload, file};
use claim::{Claim, Place};
use session::Session;
use stats::Estimate;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

/// Some claim does not hold.
const UNTRUE: u8 = 3;

/// What both commands take.
#[derive(clap::Args, Clone)]
pub(crate) struct Common {
    /// The workload file; bench/workloads has some.
    workload: PathBuf,
    /// Only cases whose name has these words: 'rate=1000 consumers=1'.
    #[arg(long)]
    only: Option<String>,
    /// Seconds of a slice that count, instead of the workload's.
    #[arg(long)]
    seconds_per_slice: Option<f64>,
    /// Seconds of a slice before that.
    #[arg(long)]
    warmup: Option<f64>,
    /// Slices of each broker that must count, instead of the workload's.
    #[arg(long, visible_alias = "slices", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pairs: Option<u64>,
    /// Of the start and of the intervals; of the clock unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// With which probability an interval holds the truth.
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
    /// A folder for what was measured, which must not exist.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A claim that sets the exit code, judged at the bad end of its interval: 'e2e.p99 ratio <= 0.5'.
    #[arg(long = "assert", value_name = "CLAIM")]
    claims: Vec<Claim>,
    /// A slice is discarded if another machine took more of the processors' time, in percent.
    #[arg(long, default_value_t = 5.0)]
    most_steal: f64,
    /// A slice is discarded if in the pause before it tasks waited for a processor more than this, in percent.
    #[arg(long, default_value_t = 20.0)]
    most_pressure: f64,
    /// Count system calls too, by `perf stat`, in slices of their own.
    #[arg(long)]
    syscalls: bool,
    /// A folder on the brokers' disk, for workloads with syncs beside.
    #[arg(long)]
    sync_dir: Option<PathBuf>,
}

#[derive(clap::Args, Clone)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    common: Common,
    /// The broker: host:port,pid. Without the process its cost is not measured.
    #[arg(long, default_value = "127.0.0.1:9092")]
    target: Endpoint,
    /// What to call it.
    #[arg(long, default_value = "broker")]
    name: String,
    /// What starts it again when the load has killed it, and prints its process id; the shell runs it.
    #[arg(long)]
    restart: Option<String>,
}

#[derive(clap::Args, Clone)]
pub(crate) struct CompareOptions {
    #[command(flatten)]
    common: Common,
    /// One broker: host:port,pid. Ratios are its values over the other's.
    #[arg(long)]
    a: Endpoint,
    /// The other.
    #[arg(long)]
    b: Endpoint,
    /// What to call them.
    #[arg(long, value_delimiter = ',', default_values = ["a", "b"])]
    names: Vec<String>,
    /// What starts a again when the load has killed it, and prints its process id; the shell runs it.
    #[arg(long)]
    restart_a: Option<String>,
    /// The same for b.
    #[arg(long)]
    restart_b: Option<String>,
}

pub(crate) fn run(options: &RunOptions, json: bool) -> Result<ExitCode> {
    let target = Endpoint { restart: options.restart.clone(), ..options.target.clone() };
    measure(&options.common, vec![(options.name.clone(), target)], json)
}

pub(crate) fn compare(options: &CompareOptions, json: bool) -> Result<ExitCode> {
    let [a, b] = &options.names[..] else { return Err(Error::Cannot("--names wants two".into())) };
    if a == b {
        return Err(Error::Cannot("--names wants two that differ".into()));
    }
    let with = |name: &String, endpoint: &Endpoint, restart: &Option<String>| {
        (name.clone(), Endpoint { restart: restart.clone(), ..endpoint.clone() })
    };
    let targets = vec![with(a, &options.a, &options.restart_a), with(b, &options.b, &options.restart_b)];
    measure(&options.common, targets, json)
}

/// The workload as the command line changes it.
fn adjusted(common: &Common) -> Result<Workload> {
    let mut workload = file::read(&common.workload)?;
    if let Some(part) = &common.only {
        workload.cases.retain(|case| case.is_named(part));
        if workload.cases.is_empty() {
            return Err(Error::Cannot(format!("no case's name has {part:?}")));
        }
    }
    for case in &mut workload.cases {
        case.seconds = common.seconds_per_slice.unwrap_or(case.seconds);
        case.warmup = common.warmup.unwrap_or(case.warmup);
        case.pairs = common.pairs.map_or(case.pairs, |pairs| pairs as usize);
    }
    Ok(workload)
}

fn measure(common: &Common, targets: Vec<(String, Endpoint)>, json: bool) -> Result<ExitCode> {
    if !(0.5..1.0).contains(&common.confidence) {
        return Err(Error::Cannot("--confidence is between 0.5 and 1".into()));
    }
    let workload = adjusted(common)?;
    let restarts = targets.iter().all(|(_, target)| target.restart.is_some() && target.pid.is_some());
    if workload.cases.iter().any(|case| case.kill) && !restarts {
        return Err(Error::Cannot(
            "this workload kills brokers: it needs their processes, and what restarts them".into(),
        ));
    }
    let started = SystemTime::now();
    let clock = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let output = Output::create(common.out.as_deref(), &workload.name, started)?;
    let describe = |(name, endpoint): &(String, Endpoint)| Target {
        name: name.clone(),
        address: endpoint.address.clone(),
        pid: endpoint.pid,
    };
    let ratio = match &targets[..] {
        [(a, _), (b, _)] => Some(format!("{a} / {b}")),
        _ => None,
    };
    let summary = Summary {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        status: Status::Running,
        workload: workload.name,
        about: workload.about,
        targets: targets.iter().map(describe).collect(),
        ratio,
        confidence: common.confidence,
        seed: common.seed.unwrap_or(clock),
        rules: session::rules(common.most_steal, common.most_pressure),
        machine: Host::read(),
        cases: Vec::new(),
        claims: Vec::new(),
    };
    let endpoints = targets.into_iter().map(|(_, endpoint)| endpoint).collect();
    let (syscalls, sync_dir) = (common.syscalls, common.sync_dir.clone());
    let mut session = Session { endpoints, output, summary, syscalls, sync_dir, began: Instant::now() };
    session.run(workload.cases, &common.claims)?;
    let code = show(session.output.dir(), json)?;
    eprintln!("kept in {}", session.output.dir().display());
    Ok(code)
}

/// What `report` takes.
#[derive(clap::Args, Clone)]
pub(crate) struct ReportOptions {
    /// The folder.
    dir: PathBuf,
    /// Print only this figure of each case that has it, as median, low and high: 'e2e.p99 ratio'.
    #[arg(long)]
    figure: Option<Place>,
    /// Leave the page's charts as SVG files in this folder, instead.
    #[arg(long, conflicts_with = "figure")]
    charts: Option<PathBuf>,
}

/// Shows what is kept in a folder, one figure of it, or its charts.
pub(crate) fn report(options: &ReportOptions, json: bool) -> Result<ExitCode> {
    if let Some(into) = &options.charts {
        output::charts(&options.dir, into)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(place) = &options.figure else { return show(&options.dir, json) };
    let summary = output::summary(&options.dir)?;
    for result in summary.cases.iter().filter(|result| place.is_of(&result.case)) {
        if let Some(Estimate { median, low, high, .. }) = place.find(result) {
            println!("{median} {low} {high}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows all that is kept in a folder; its page is written anew.
fn show(dir: &Path, json: bool) -> Result<ExitCode> {
    let summary = output::report(dir, json)?;
    Ok(match summary.status {
        Status::Complete if summary.claims.iter().all(|verdict| verdict.holds) => ExitCode::SUCCESS,
        Status::Complete => ExitCode::from(UNTRUE),
        _ => ExitCode::FAILURE,
    })
}
