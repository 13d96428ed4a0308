//! `corelog-bench`: measures any broker that speaks Kafka's protocol, and checks that what it wrote is there.
//!
//! Every run makes a topic of its own, gives each record an identity, a due time and a checksum, and afterwards reads
//! all of it back: each acknowledged record once, in order, intact. Otherwise the run is void and the exit status 1.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of the real world: sockets, clock, /proc"
)]

mod answers;
mod batch;
mod behind;
mod client;
mod compare;
mod engine;
mod error;
mod group;
mod idle;
mod limits;
mod machine;
mod mux;
mod offsets;
mod output;
mod pace;
mod payload;
mod process;
mod produce;
mod report;
mod spread;
mod target;
mod verify;
mod workload;

use clap::{Args, Parser, Subcommand};
use error::Result;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "corelog-bench", version, about = "Measures a broker that speaks Kafka's protocol, and checks it")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
}

/// The broker to measure.
#[derive(Args, Clone)]
struct Target {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:9092")]
    broker: String,
    /// Its process, to count its CPU time, I/O and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Count its system calls too, by `perf stat`. This slows it down: take CPU figures from another run.
    #[arg(long, requires = "pid")]
    syscalls: bool,
}

#[derive(Subcommand)]
enum Command {
    /// A workload on one broker.
    Run(compare::RunOptions),
    /// A workload on two brokers, in slices that take turns; the ratios with their intervals.
    Compare(compare::CompareOptions),
    /// What a run left in its folder, as text, and again as a page.
    Report(compare::ReportOptions),
    /// Closed loop: connections that keep a number of requests in flight each.
    Produce(produce::Options),
    /// One record to each partition in turn; latency until the one consumer of all of them has it.
    Spread(spread::Options),
    /// Open loop, and a consumer that stays a while behind: does it cost disk reads?
    Behind(behind::Options),
    /// Partitions that nobody writes to and consumers that wait for them.
    Idle(idle::Options),
    /// A classic group of many members: its rebalances, and its rest.
    Group(group::Options),
    /// Open loop: offsets committed at a rate.
    Commits(offsets::CommitOptions),
    /// Waits until the offsets of many groups are answered; commits them first if asked to.
    Offsets(offsets::LoadOptions),
    /// Waits until each partition of a topic has answered Produce and Fetch; makes the topic if it is not there.
    Answers(answers::Options),
    /// What this machine's loopback and disk can do at best, by io_uring.
    Limits {
        /// The folder whose disk is measured.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::allow_connections();
    match run(cli) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("void: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let report = match cli.command {
        Command::Run(options) => return compare::run(&options, cli.json),
        Command::Compare(options) => return compare::compare(&options, cli.json),
        Command::Report(options) => return compare::report(&options, cli.json),
        Command::Produce(options) => produce::run(&options),
        Command::Spread(options) => spread::run(&options),
        Command::Behind(options) => behind::run(&options),
        Command::Idle(options) => idle::run(&options),
        Command::Group(options) => group::run(&options),
        Command::Commits(options) => offsets::run_commits(&options),
        Command::Offsets(options) => offsets::run_load(&options),
        Command::Answers(options) => answers::run(&options),
        Command::Limits { dir } => limits::run(&dir),
    }?;
    println!("{}", if cli.json { report.json() } else { report.text() });
    Ok(ExitCode::SUCCESS)
}
