//! The command line: the broker itself, and the commands that talk to one as any Kafka client does.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Corelog: event streaming over the Kafka protocol.
#[derive(Parser)]
#[command(name = "corelog", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a broker.
    Serve(serve::Serve),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corelog: {error}");
            ExitCode::FAILURE
        }
    }
}
