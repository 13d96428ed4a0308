//! `corelog stats`: what a node's metrics page says, as rates and latencies of the last moment, live in the terminal.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

mod page;
mod scrape;
mod screen;
mod view;

use std::{
    io::{IsTerminal, Write, stdout},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use self::{page::Page, view::View};
use super::{failure::Failure, interrupt};

/// How often a pause looks whether it should end.
const GLANCE: Duration = Duration::from_millis(50);
/// Moves the cursor home; what follows each line and the end clears what stood there before.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
/// The screen of its own that a live view has, and back.
const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE_SCREEN: &str = "\x1b[?25h\x1b[?1049l";

#[derive(Args)]
pub(super) struct Stats {
    /// Where the node serves its metrics: its `metrics.listener`.
    #[arg(long, short, value_name = "HOST:PORT", default_value = "127.0.0.1:9404")]
    metrics: String,
    /// Seconds between two looks; the cores post their figures once a second.
    #[arg(long, short, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// Looks once, over one interval.
    #[arg(long)]
    once: bool,
    /// Prints a JSON object for each look.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (1.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("from 1 to 3600 seconds".to_owned()) }
}

impl Stats {
    pub(super) fn run(self) -> Result<(), Failure> {
        interrupt::heed();
        let live = stdout().is_terminal() && !self.once && !self.json;
        let _screen = live.then(Screen::enter);
        let mut before = self.look()?;
        while self.pause() {
            let now = self.look()?;
            let view = View::between(&before, &now);
            self.show(&view, live)?;
            if self.once {
                break;
            }
            before = now;
        }
        Ok(())
    }

    fn look(&self) -> Result<Page, Failure> {
        let text = scrape::get(&self.metrics, "/metrics")?;
        Page::parse(&text).ok_or_else(|| format!("what {} serves are not metrics of Corelog", self.metrics).into())
    }

    /// Waits for an interval; `false` if the user wants an end.
    fn pause(&self) -> bool {
        let until = Instant::now() + Duration::from_secs_f64(self.interval);
        while Instant::now() < until && !interrupt::wished() {
            thread::sleep(GLANCE);
        }
        !interrupt::wished()
    }

    fn show(&self, view: &View, live: bool) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(view).map_err(|error| error.to_string())? + "\n"
        } else {
            screen::draw(view, &self.metrics)
        };
        let text =
            if live { format!("{HOME}{}{CLEAR_BELOW}", text.replace('\n', &format!("{CLEAR_LINE}\n"))) } else { text };
        let mut output = stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| error.to_string().into())
    }
}

/// The terminal's other screen, for as long as this lives.
struct Screen;

impl Screen {
    fn enter() -> Self {
        print!("{ENTER_SCREEN}");
        Self
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        print!("{LEAVE_SCREEN}");
        let _ = stdout().flush();
    }
}
