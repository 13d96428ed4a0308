//! Processes that print a line for each thing they were promised, and the lines in the order in which they came.

use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

/// What was promised in one round, from all of its sources.
#[derive(Clone, Default)]
pub(crate) struct Promises(Arc<Mutex<Vec<String>>>);

impl Promises {
    pub(crate) fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn count(&self) -> u64 {
        self.lines().len() as u64
    }
}

/// A running process whose lines are collected.
pub(crate) struct Source {
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Source {
    pub(crate) fn spawn(command: &mut Command, promises: &Promises) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().expect("a pipe was asked for");
        let promises = promises.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                promises.lines().push(line);
            }
        });
        Ok(Self { child, reader: Some(reader) })
    }

    /// An error if it ended by itself.
    pub(crate) fn runs(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(io::Error::other(format!("a load ended by itself: {status}"))),
            None => Ok(()),
        }
    }

    /// Kills it; when this returns, all that it had printed is collected.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| io::Error::other("a reader of lines panicked"))?;
        }
        Ok(())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
