//! Rounds of a load, a power cut and a check, whatever the load is.
//!
//! A third of the cuts fall at a random moment, half of them soon after the load said that it begins to create or delete
//! something; the others fall amid a write to a checkpoint, a segment or the journal.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    disk::{Cut, Random, Trap},
    mount::{Machine, lock},
    source::Promises,
};

/// What the power is cut under. It prints a line for each thing it was promised.
pub(crate) trait Load {
    /// How the lines begin that every run must have among its promises, and what they are.
    fn kinds(&self) -> &'static [(&'static str, &'static str)];
    /// Starts, or goes on, with the data directory `data`.
    fn start(&mut self, data: &Path, round: u64, promises: &Promises) -> io::Result<()>;
    /// An error if anything ended by itself.
    fn runs(&mut self) -> io::Result<()>;
    /// Kills everything; what it had printed is then collected.
    fn kill(&mut self) -> io::Result<()>;
    /// Recovers `data`, and compares it with the lines in `promised`.
    fn check(&mut self, data: &Path, promised: &Path) -> io::Result<Checked>;
    /// Drops promises that no check looks at any more.
    fn forget(&self, promised: &mut Vec<String>);
    /// Ends what still runs, in good order.
    fn end(&mut self) -> io::Result<()>;
}

/// What a check found.
pub(crate) enum Checked {
    /// All is there: how many promises were compared.
    Right(u64),
    /// What is not as it was promised.
    Wrong(String),
}

const DISK_BYTES: usize = 320 << 20;
/// What a cut waits for, by the first bytes of the write.
const TARGETS: [(&str, &[u8]); 4] =
    [("any moment", b""), ("checkpoint", b"CLCHKPNT"), ("segment", b"CLSEGMNT"), ("journal", b"CLJF")];
/// The target without a trap.
const ANY_MOMENT: usize = 0;
/// Lines that announce the creation or the deletion of something.
const BEGINNINGS: [&str; 2] = ["b ", "d "];
/// Lines that acknowledge it.
const ENDINGS: [&str; 2] = ["t ", "x "];
/// A trapped cut that does not come by then falls at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// A round must have acknowledged something, or it proves nothing.
const FEWEST_PROMISES: u64 = 20;
/// A load that acknowledges nothing for so long is broken.
const FIRST_PROMISES_WITHIN: Duration = Duration::from_secs(20);

/// How often, and where.
pub(crate) struct Cuts<'a> {
    pub(crate) work: &'a Path,
    pub(crate) cuts: u64,
    pub(crate) seed: u64,
}

/// What all rounds came to.
#[derive(Default)]
struct Totals {
    by_target: [u64; TARGETS.len()],
    /// Cuts after a creation or deletion was announced and before it was acknowledged.
    amid_announced: u64,
    sectors_kept: u64,
    sectors_lost: u64,
    verified: u64,
    promises: BTreeMap<&'static str, u64>,
}

impl Cuts<'_> {
    /// Whether anything acknowledged was lost.
    pub(crate) fn run(&self, load: &mut impl Load) -> io::Result<bool> {
        fs::create_dir_all(self.work)?;
        let mut machine = Machine::new(self.work, DISK_BYTES)?;
        let lost = self.rounds(load, &mut machine);
        // The file system cannot go while something still holds files in it.
        load.end()?;
        lost
    }

    fn rounds(&self, load: &mut impl Load, machine: &mut Machine) -> io::Result<bool> {
        let mut random = Random(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (mut totals, mut promised, start) = (Totals::default(), Vec::new(), Instant::now());
        let (data, file) = (machine.path().join("data"), self.work.join("promised"));
        for round in 0..self.cuts {
            let promises = Promises::default();
            load.start(&data, round, &promises)?;
            let (target, cut) = run_until_cut(load, machine, &mut random, &promises)?;
            // What died before it was killed died of something else.
            load.runs()?;
            load.kill()?;
            let said = promises.lines().clone();
            totals.count(load.kinds(), target, &cut, &said[..cut.witnessed as usize]);
            // What was acknowledged after the cut is no promise; what began then may nevertheless have begun before.
            let (before, after) = said.split_at(cut.witnessed as usize);
            promised.extend_from_slice(before);
            promised.extend(after.iter().filter(|line| line.starts_with("d ")).cloned());
            machine.power_up_with(cut.image)?;
            fs::write(&file, promised.join("\n"))?;
            match load.check(&data, &file)? {
                Checked::Right(verified) => totals.verified += verified,
                Checked::Wrong(what) => {
                    eprintln!("round {round}, cut amid {}: {what}", TARGETS[target].0);
                    return Ok(true);
                }
            }
            load.forget(&mut promised);
        }
        totals.report(load.kinds(), self.cuts, start.elapsed(), machine)?;
        Ok(false)
    }
}

/// Lets the load run until the power is cut: what it was cut amid, and what is left.
fn run_until_cut(
    load: &mut impl Load,
    machine: &Machine,
    random: &mut Random,
    promises: &Promises,
) -> io::Result<(usize, Cut)> {
    warm_up(load, Duration::from_millis(200 + random.next() % 900), promises)?;
    let target = (random.next() % 6) as usize % TARGETS.len();
    let (seed, passes) = (random.next(), (random.next() % 4) as u32);
    if target == ANY_MOMENT {
        if random.next().is_multiple_of(2) {
            await_beginning(promises, Duration::from_micros(random.next() % 6_000));
        }
        return Ok((target, lock(machine.disk()).cut(seed, || promises.count())));
    }
    let witness = promises.clone();
    let witness = Box::new(move || witness.count());
    lock(machine.disk()).set_trap(Trap { prefix: TARGETS[target].1.to_vec(), passes, seed, witness, armed: false });
    let armed = Instant::now();
    loop {
        let mut disk = lock(machine.disk());
        if let Some(cut) = disk.take_caught() {
            return Ok((target, cut));
        }
        if armed.elapsed() > PATIENCE {
            return Ok((ANY_MOMENT, disk.cut(seed, || promises.count())));
        }
        drop(disk);
        thread::sleep(Duration::from_millis(2));
    }
}

/// Lets the load run for a while, and until it was promised enough.
fn warm_up(load: &mut impl Load, at_least: Duration, promises: &Promises) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < at_least || promises.count() < FEWEST_PROMISES {
        load.runs()?;
        if begun.elapsed() > FIRST_PROMISES_WITHIN {
            return Err(io::Error::other("the load acknowledges nothing"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits until the load announces something, then a little more.
fn await_beginning(promises: &Promises, more: Duration) {
    let (from, begun) = (promises.lines().len(), Instant::now());
    let announced =
        || promises.lines()[from..].iter().any(|line| BEGINNINGS.iter().any(|begins| line.starts_with(begins)));
    while !announced() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_micros(200));
    }
    thread::sleep(more);
}

impl Totals {
    fn count(&mut self, kinds: &[(&'static str, &'static str)], target: usize, cut: &Cut, witnessed: &[String]) {
        self.by_target[target] += 1;
        self.sectors_kept += cut.sectors_kept;
        self.sectors_lost += cut.sectors_lost;
        let starts = |line: &str, with: &[&str]| with.iter().any(|begins| line.starts_with(begins));
        let last = witnessed.iter().rfind(|line| starts(line, &BEGINNINGS) || starts(line, &ENDINGS));
        self.amid_announced += u64::from(last.is_some_and(|line| starts(line, &BEGINNINGS)));
        for (begins, name) in kinds {
            *self.promises.entry(name).or_default() +=
                witnessed.iter().filter(|line| line.starts_with(begins)).count() as u64;
        }
    }

    /// Prints the sums; an error if some kind of promise never came.
    fn report(
        &self,
        kinds: &[(&'static str, &'static str)],
        cuts: u64,
        took: Duration,
        machine: &Machine,
    ) -> io::Result<()> {
        let counts = lock(machine.disk()).counts;
        let joined = |parts: Vec<String>| parts.join(", ");
        println!(
            "{cuts} cuts in {:.0} s: {} promises verified ({}); cut {}, {} of them before an \
             announced creation or deletion was acknowledged; of unflushed sectors {} kept, {} lost; disk: {} writes, {} MiB, {} flushes",
            took.as_secs_f64(),
            self.verified,
            joined(kinds.iter().map(|(_, name)| format!("{} {name}", self.promises[name])).collect()),
            joined(TARGETS.iter().zip(self.by_target).map(|((name, _), n)| format!("amid {name} {n}")).collect()),
            self.amid_announced,
            self.sectors_kept,
            self.sectors_lost,
            counts.writes,
            counts.bytes >> 20,
            counts.flushes,
        );
        match self.promises.iter().find(|(_, count)| **count == 0) {
            Some((name, _)) => Err(io::Error::other(format!("the load never made any {name}"))),
            None => Ok(()),
        }
    }
}
