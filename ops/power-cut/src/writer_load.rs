//! The small writer (`writer.rs`) as what the power is cut under.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cuts::{Checked, Load},
    source::{Promises, Source},
};

pub(crate) struct WriterLoad {
    binary: PathBuf,
    running: Option<Source>,
}

impl WriterLoad {
    pub(crate) fn new(binary: &Path) -> Self {
        Self { binary: binary.to_owned(), running: None }
    }
}

impl Load for WriterLoad {
    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        &[("a ", "acknowledged batches"), ("d ", "deletions begun")]
    }

    fn start(&mut self, data: &Path, round: u64, promises: &Promises) -> io::Result<()> {
        let run = (round + 1).to_string();
        self.running = Some(Source::spawn(Command::new(&self.binary).arg("write").arg(data).arg(run), promises)?);
        Ok(())
    }

    fn runs(&mut self) -> io::Result<()> {
        self.running.as_mut().map_or(Ok(()), Source::runs)
    }

    fn kill(&mut self) -> io::Result<()> {
        self.running.take().map_or(Ok(()), |mut writer| writer.kill())
    }

    fn check(&mut self, data: &Path, promised: &Path) -> io::Result<Checked> {
        let check = Command::new(&self.binary).arg("check").args([data, promised]).output()?;
        let said = String::from_utf8_lossy(&check.stdout);
        if !check.status.success() {
            return Ok(Checked::Wrong(format!("{said}{}", String::from_utf8_lossy(&check.stderr))));
        }
        let verified = said.split(' ').nth(1).and_then(|count| count.parse().ok());
        Ok(Checked::Right(verified.ok_or_else(|| io::Error::other(format!("not a verdict: {said}")))?))
    }

    fn forget(&self, promised: &mut Vec<String>) {
        let place = |line: &str| line.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ");
        let deleted: BTreeSet<String> =
            promised.iter().filter(|line| line.starts_with("d ")).map(|line| place(line)).collect();
        promised.retain(|line| !line.starts_with("a ") || !deleted.contains(&place(line)));
    }

    fn end(&mut self) -> io::Result<()> {
        self.kill()
    }
}
