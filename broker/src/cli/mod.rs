//! The command line: the broker itself, and the commands that talk to one as any Kafka client does.

mod check;
mod client;
mod cluster;
mod completions;
mod config;
mod consume;
mod dump;
mod failure;
mod group;
mod interrupt;
mod output;
mod printer;
mod produce;
mod serve;
mod stats;
mod table;
mod topic;
mod when;

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
    /// Creates, lists, shows, alters and deletes topics.
    Topic {
        #[command(subcommand)]
        command: topic::Topic,
        #[command(flatten)]
        ask: Ask,
    },
    /// Shows what a node does: rates, latencies, memory, per core.
    Stats(stats::Stats),
    /// Lists, shows, moves and deletes consumer groups.
    Group {
        #[command(subcommand)]
        command: group::Group,
        #[command(flatten)]
        ask: Ask,
    },
    /// Shows and sets what topics, brokers and groups are configured to do.
    Config {
        #[command(subcommand)]
        command: config::Config,
        #[command(flatten)]
        ask: Ask,
    },
    /// Looks whether this machine can run a broker, and says what to do.
    Check(check::Check),
    /// Prints what the files of a stopped broker hold.
    Dump {
        #[command(subcommand)]
        command: dump::Dump,
    },
    /// Prints a shell's completions of these commands.
    Completions(completions::Completions),
}

#[derive(clap::Args)]
struct Broker {
    /// The broker to ask.
    #[arg(long, short, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", global = true)]
    broker: String,
}

/// Whom to ask, and how to answer.
#[derive(clap::Args)]
struct Ask {
    /// The broker to ask.
    #[arg(long, short, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", global = true)]
    broker: String,
    /// Answers in JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Ask {
    fn output(&self) -> output::Output {
        output::Output { json: self.json }
    }
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(command) => command.run().map_err(failure::Failure::from),
        Command::Produce { command, broker } => command.run(&broker.broker),
        Command::Consume { command, broker } => command.run(&broker.broker),
        Command::Stats(command) => command.run(),
        Command::Topic { command, ask } => command.run(&ask),
        Command::Group { command, ask } => command.run(&ask),
        Command::Config { command, ask } => command.run(&ask),
        Command::Check(command) => command.run(),
        Command::Dump { command } => command.run(),
        Command::Completions(command) => {
            command.run();
            Ok(())
        }
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
