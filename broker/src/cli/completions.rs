//! `corelog completions`: what a shell needs to complete `corelog`'s words.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

#[derive(Args)]
pub(super) struct Completions {
    /// The shell: its completions go to the standard output, to be sourced or put where the shell looks for them.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) {
        generate(self.shell, &mut super::Cli::command(), "corelog", &mut std::io::stdout());
    }
}
