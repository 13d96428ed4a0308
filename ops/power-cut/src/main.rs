//! Cuts the power under a load, again and again, and checks after each cut everything that it had acknowledged.
//!
//! The disk is a FUSE file with a volatile cache (`disk.rs`), under a loop device with ext4 (`mount.rs`). Each round lets
//! a load run, takes what a power cut would leave, kills the load, comes up with that image and checks it (`cuts.rs`); the
//! next round goes on with it. The load is a small writer on the storage (`writer_load.rs`), or the broker with real
//! clients (`broker_load.rs`). Needs root.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test driver outside the environment seam")]

mod broker_load;
mod cuts;
mod disk;
mod mount;
mod source;
mod writer_load;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{ArgGroup, Parser};

use crate::{broker_load::BrokerLoad, cuts::Cuts, writer_load::WriterLoad};

/// Cut the power under a load and check what it acknowledged.
#[derive(Parser)]
#[command(group(ArgGroup::new("load").required(true).args(["writer", "broker"])))]
struct Arguments {
    /// How many cuts.
    #[arg(long, default_value_t = 50)]
    cuts: u64,
    /// Picks moments and surviving sectors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A working directory of its own.
    #[arg(long)]
    work: PathBuf,
    /// Succeed only if something acknowledged is lost: for a load that is known to be wrong.
    #[arg(long)]
    must_lose: bool,
    /// The writer's binary.
    #[arg(long)]
    writer: Option<PathBuf>,
    /// The broker's binary, to be loaded by real clients.
    #[arg(long, requires = "clients")]
    broker: Option<PathBuf>,
    /// The binary of the clients, built from ops/clients/franz.
    #[arg(long)]
    clients: Option<PathBuf>,
    /// Where the broker listens.
    #[arg(long, default_value_t = 19393)]
    port: u16,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(lost) if lost == arguments.must_lose => ExitCode::SUCCESS,
        Ok(true) => {
            eprintln!("power-cut: something acknowledged was lost (seed {})", arguments.seed);
            ExitCode::FAILURE
        }
        Ok(false) => {
            eprintln!("power-cut: nothing was lost by a load that must lose something");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("power-cut: {error} (seed {})", arguments.seed);
            ExitCode::FAILURE
        }
    }
}

/// Whether anything acknowledged was lost.
fn run(arguments: &Arguments) -> io::Result<bool> {
    let cuts = Cuts { work: &arguments.work, cuts: arguments.cuts, seed: arguments.seed };
    match (&arguments.writer, &arguments.broker, &arguments.clients) {
        (Some(writer), ..) => cuts.run(&mut WriterLoad::new(writer)),
        (None, Some(broker), Some(clients)) => {
            cuts.run(&mut BrokerLoad::new(broker, clients, &arguments.work, arguments.port))
        }
        _ => Err(io::Error::other("no load was named")),
    }
}
