//! The command line: the broker itself, and the commands that talk to one as any Kafka client does.

mod client;
mod cluster;
mod consume;
mod failure;
mod group;
mod interrupt;
mod printer;
mod produce;
mod serve;
mod stats;
mod table;
mod topic;

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
    /// Sends the lines of the standard input as records.
    Produce {
        #[command(flatten)]
        command: produce::Produce,
        #[command(flatten)]
        broker: Broker,
    },
    /// Prints records as lines.
    Consume {
        #[command(flatten)]
        command: consume::Consume,
        #[command(flatten)]
        broker: Broker,
    },
    /// Creates, lists, shows and deletes topics.
    Topic {
        #[command(subcommand)]
        command: topic::Topic,
        #[command(flatten)]
        broker: Broker,
    },
    /// Shows what a node does: rates, latencies, memory, per core.
    Stats(stats::Stats),
    /// Lists and shows consumer groups.
    Group {
        #[command(subcommand)]
        command: group::Group,
        #[command(flatten)]
        broker: Broker,
    },
}

#[derive(clap::Args)]
struct Broker {
    /// The broker to ask.
    #[arg(long, short, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", global = true)]
    broker: String,
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(command) => command.run().map_err(failure::Failure::from),
        Command::Produce { command, broker } => command.run(&broker.broker),
        Command::Consume { command, broker } => command.run(&broker.broker),
        Command::Stats(command) => command.run(),
        Command::Topic { command, broker } => command.run(&broker.broker),
        Command::Group { command, broker } => command.run(&broker.broker),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corelog: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
