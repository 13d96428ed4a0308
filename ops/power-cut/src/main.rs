//! Cuts the power under a running writer, again and again, and checks after each cut everything it had acknowledged.
//!
//! The disk is a FUSE file with a volatile cache (`disk.rs`), under a loop device with ext4 (`mount.rs`). Each round runs
//! the writer, takes what a power cut would leave, kills the writer, comes up with that image and checks it; the next
//! round goes on with it. A third of the cuts fall at a random moment, the others amid a write to a checkpoint, a segment
//! or the journal. Needs root.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test driver outside the environment seam")]

mod disk;
mod mount;

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;

use crate::{
    disk::{Cut, Random, Trap},
    mount::{Machine, lock},
};

/// Cut the power under a writer and check what it acknowledged.
#[derive(Parser)]
struct Arguments {
    /// How many cuts.
    #[arg(long, default_value_t = 50)]
    cuts: u64,
    /// Picks moments and surviving sectors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The writer's binary.
    #[arg(long)]
    writer: PathBuf,
    /// A working directory of its own.
    #[arg(long)]
    work: PathBuf,
    /// Succeed only if something acknowledged is lost: for a writer that is known to be wrong.
    #[arg(long)]
    must_lose: bool,
}

const DISK_BYTES: usize = 640 << 20;
/// What a trapped cut waits for, by the first bytes of the write; with none the cut falls at a random moment.
const TARGETS: [(&str, &[u8]); 4] =
    [("any moment", b""), ("checkpoint", b"CLCHKPNT"), ("segment", b"CLSEGMNT"), ("journal", b"CLJF")];
/// A trapped cut that does not come by then falls at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// A round must have acknowledged something, or it proves nothing.
const FEWEST_PROMISES: u64 = 20;

/// The lines a writer printed, and how many.
#[derive(Default)]
struct Promises {
    lines: Mutex<Vec<String>>,
    count: AtomicU64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(lost) if lost == arguments.must_lose => ExitCode::SUCCESS,
        Ok(true) => {
            eprintln!("power-cut: acknowledged records were lost (seed {})", arguments.seed);
            ExitCode::FAILURE
        }
        Ok(false) => {
            eprintln!("power-cut: nothing was lost by a writer that must lose something");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("power-cut: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether anything acknowledged was lost.
fn run(arguments: &Arguments) -> io::Result<bool> {
    fs::create_dir_all(&arguments.work)?;
    let mut machine = Machine::new(&arguments.work, DISK_BYTES)?;
    let mut random = Random(arguments.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut promised: Vec<String> = Vec::new();
    let (mut by_target, mut kept, mut lost) = ([0_u64; TARGETS.len()], 0, 0);
    let (mut verified, start) = (0, Instant::now());
    for round in 0..arguments.cuts {
        let (target, cut, said) = round_until_cut(arguments, &machine, &mut random, round)?;
        promised.extend(said.into_iter().take(cut.witnessed as usize));
        by_target[target] += 1;
        (kept, lost) = (kept + cut.sectors_kept, lost + cut.sectors_lost);
        machine.power_up_with(cut.image)?;
        let file = arguments.work.join("promised");
        fs::write(&file, promised.join("\n"))?;
        let data = machine.path().join("data");
        let check = Command::new(&arguments.writer).arg("check").args([&data, &file]).output()?;
        let said = String::from_utf8_lossy(&check.stdout);
        if !check.status.success() {
            eprint!("round {round}, cut amid {}: {said}{}", TARGETS[target].0, String::from_utf8_lossy(&check.stderr));
            return Ok(true);
        }
        verified += said.split(' ').nth(1).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        forget_deleted(&mut promised);
    }
    let counts = lock(machine.disk()).counts;
    println!(
        "{} cuts in {:.0} s: {verified} acknowledged records verified; cut {}; of unflushed sectors {kept} kept, {lost} lost; \
         disk: {} writes, {} MiB, {} flushes",
        arguments.cuts,
        start.elapsed().as_secs_f64(),
        TARGETS.iter().zip(by_target).map(|((name, _), n)| format!("amid {name} {n}")).collect::<Vec<_>>().join(", "),
        counts.writes,
        counts.bytes >> 20,
        counts.flushes,
    );
    Ok(false)
}

/// Runs the writer until the power is cut; what it was cut amid, what is left, what the writer had said.
fn round_until_cut(
    arguments: &Arguments,
    machine: &Machine,
    random: &mut Random,
    round: u64,
) -> io::Result<(usize, Cut, Vec<String>)> {
    let promises = Arc::new(Promises::default());
    let mut writer = start_writer(&arguments.writer, &machine.path().join("data"), round, &promises)?;
    let witness = |promises: &Arc<Promises>| {
        let promises = Arc::clone(promises);
        Box::new(move || promises.count.load(Ordering::SeqCst))
    };
    let begun = Instant::now();
    let patience = Duration::from_millis(200 + random.next() % 900);
    while begun.elapsed() < patience || promises.count.load(Ordering::SeqCst) < FEWEST_PROMISES {
        if let Some(status) = writer.try_wait()? {
            return Err(io::Error::other(format!("the writer ended by itself: {status}")));
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(io::Error::other("the writer acknowledges nothing"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    let mut target = (random.next() % 6) as usize % TARGETS.len();
    let seed = random.next();
    if target > 0 {
        let (prefix, passes) = (TARGETS[target].1.to_vec(), (random.next() % 4) as u32);
        lock(machine.disk()).set_trap(Trap { prefix, passes, seed, witness: witness(&promises), armed: false });
    }
    let armed = Instant::now();
    let cut = loop {
        let mut disk = lock(machine.disk());
        if let Some(cut) = disk.take_caught() {
            break cut;
        }
        if target == 0 || armed.elapsed() > PATIENCE {
            target = 0;
            break disk.cut(seed, promises.count.load(Ordering::SeqCst));
        }
        drop(disk);
        thread::sleep(Duration::from_millis(2));
    };
    writer.kill()?;
    writer.wait()?;
    let said = promises.lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    Ok((target, cut, said))
}

fn start_writer(writer: &Path, data: &Path, round: u64, promises: &Arc<Promises>) -> io::Result<Child> {
    let mut child =
        Command::new(writer).arg("write").arg(data).arg((round + 1).to_string()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().expect("a pipe was asked for");
    let promises = Arc::clone(promises);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            promises.lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line);
            // Counted after it is kept: whoever reads the count finds the lines.
            promises.count.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok(child)
}

/// Drops the promises about topics whose deletion began, so that the list stays short.
fn forget_deleted(promised: &mut Vec<String>) {
    let place = |line: &str| line.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ");
    let deleted: std::collections::BTreeSet<String> =
        promised.iter().filter(|line| line.starts_with('d')).map(|line| place(line)).collect();
    promised.retain(|line| !line.starts_with('a') || !deleted.contains(&place(line)));
}
