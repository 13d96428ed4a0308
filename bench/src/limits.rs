//! What this machine's loopback and disk can do at best, by io_uring: the yardstick for the broker's latencies.

use crate::error::{Error, Result};
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use io_uring::{IoUring, opcode, squeue, types};
use std::fs::{File, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;
const FILE_BYTES: u64 = 256 << 20;
const CHUNK: usize = 256 << 10;
const CHUNKS_IN_FLIGHT: usize = 8;
const MESSAGE: usize = 256;
const TIME: Duration = Duration::from_secs(3);
/// What the end-to-end load asks for: between two of its records a machine falls asleep, and waking costs.
const PACE: Duration = Duration::from_millis(1);

#[repr(align(4096))]
#[derive(Clone, Copy)]
struct Block {
    _bytes: [u8; BLOCK],
}

/// Pushes one operation, waits for one completion, and returns its result.
fn one(ring: &mut IoUring, entry: &squeue::Entry) -> Result<usize> {
    // SAFETY: the buffer outlives the call, which waits for the completion.
    unsafe { ring.submission().push(entry) }.map_err(|e| Error::Cannot(e.to_string()))?;
    ring.submit_and_wait(1)?;
    let result = ring.completion().next().map_or(0, |completion| completion.result());
    if result < 0 { Err(std::io::Error::from_raw_os_error(-result).into()) } else { Ok(result as usize) }
}

fn receive(ring: &mut IoUring, stream: &TcpStream, buffer: &mut [u8; MESSAGE]) -> Result<bool> {
    let mut filled = 0;
    while filled < MESSAGE {
        let rest = &mut buffer[filled..];
        let entry = opcode::Recv::new(types::Fd(stream.as_raw_fd()), rest.as_mut_ptr(), rest.len() as u32).build();
        match one(ring, &entry)? {
            0 => return Ok(false),
            count => filled += count,
        }
    }
    Ok(true)
}

fn send(ring: &mut IoUring, stream: &TcpStream, buffer: &[u8; MESSAGE]) -> Result<()> {
    let entry = opcode::Send::new(types::Fd(stream.as_raw_fd()), buffer.as_ptr(), MESSAGE as u32).build();
    match one(ring, &entry)? {
        MESSAGE => Ok(()),
        _ => Err(Error::Cannot("a short send on the loopback".into())),
    }
}

/// Two threads, a ring each, one message back and forth, one each `pace`. With `file` the other thread makes 4 KiB durable
/// there before it answers: a broker with nothing else to do.
fn round_trips(pace: Duration, file: Option<File>) -> Result<Histogram<u64>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let echo = thread::spawn(move || -> Result<()> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut ring = IoUring::new(8)?;
        let mut buffer = [0; MESSAGE];
        let mut writes = 0;
        while receive(&mut ring, &stream, &mut buffer)? {
            if let Some(file) = &file {
                write_durably(&mut ring, file, &[Block { _bytes: [9; BLOCK] }], writes)?;
                writes += 1;
            }
            send(&mut ring, &stream, &buffer)?;
        }
        Ok(())
    });
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut ring = IoUring::new(8)?;
    let (mut buffer, mut times) = ([0; MESSAGE], histogram());
    let start = Instant::now();
    for due in paced(start, pace) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        send(&mut ring, &stream, &buffer)?;
        receive(&mut ring, &stream, &mut buffer)?;
        times.saturating_record(began.elapsed().as_nanos() as u64);
    }
    drop(stream);
    echo.join().unwrap_or_else(|_| Err(Error::Cannot("the echo died".into())))?;
    Ok(times)
}

/// When the operations of a run are due.
fn paced(start: Instant, pace: Duration) -> impl Iterator<Item = Instant> {
    (0..).map(move |number| start + number * pace).take_while(move |due| *due < start + TIME && start.elapsed() < TIME)
}

fn open(path: &Path, flags: i32) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(path);
    file.map_err(|e| Error::Cannot(format!("{}: {e} (a file system without direct I/O?)", path.display())))
}

/// Writes all of the file in large direct writes, several in flight; returns how long that took, synced.
fn sequential(file: &File) -> Result<Duration> {
    let buffer = vec![Block { _bytes: [7; BLOCK] }; CHUNK / BLOCK];
    let mut ring = IoUring::new(CHUNKS_IN_FLIGHT as u32)?;
    let began = Instant::now();
    let (mut next, mut in_flight) = (0, 0);
    while next < FILE_BYTES || in_flight > 0 {
        while next < FILE_BYTES && in_flight < CHUNKS_IN_FLIGHT {
            let write = opcode::Write::new(types::Fd(file.as_raw_fd()), buffer.as_ptr().cast(), CHUNK as u32);
            // SAFETY: the buffer outlives the loop, which ends with nothing in flight.
            unsafe { ring.submission().push(&write.offset(next).build()) }.map_err(|e| Error::Cannot(e.to_string()))?;
            next += CHUNK as u64;
            in_flight += 1;
        }
        ring.submit_and_wait(1)?;
        for completion in ring.completion() {
            in_flight -= 1;
            if completion.result() != CHUNK as i32 {
                // The writes in flight own the buffer until they complete.
                std::mem::forget(buffer);
                return Err(Error::Cannot(format!("a direct write gave {}", completion.result())));
            }
        }
    }
    file.sync_data()?;
    Ok(began.elapsed())
}

/// Durable writes of `bytes`, one at a time, through blocks that were written before.
fn durable(file: &File, bytes: usize) -> Result<Histogram<u64>> {
    let buffer = vec![Block { _bytes: [9; BLOCK] }; bytes / BLOCK];
    let mut ring = IoUring::new(8)?;
    let mut times = histogram();
    let end = Instant::now() + TIME;
    for number in 0.. {
        let began = Instant::now();
        if began >= end {
            break;
        }
        write_durably(&mut ring, file, &buffer, number)?;
        times.saturating_record(began.elapsed().as_nanos() as u64);
    }
    Ok(times)
}

/// The `number`th durable write of `blocks`, each behind the one before, and round again at the end of the file.
fn write_durably(ring: &mut IoUring, file: &File, blocks: &[Block], number: u64) -> Result<()> {
    let bytes = size_of_val(blocks);
    let write = opcode::Write::new(types::Fd(file.as_raw_fd()), blocks.as_ptr().cast(), bytes as u32);
    match one(ring, &write.offset(number * bytes as u64 % FILE_BYTES).build())? {
        written if written == bytes => Ok(()),
        _ => Err(Error::Cannot("a short direct write".into())),
    }
}

pub(crate) fn run(dir: &Path) -> Result<Report> {
    let path = dir.join(format!("corelog-bench-limits-{}", std::process::id()));
    let measured = measure(&path);
    // What failed before the file was made leaves none to remove.
    let _ = std::fs::remove_file(&path);
    measured
}

fn measure(path: &Path) -> Result<Report> {
    let mut report = Report::new("limits");
    let alone = round_trips(Duration::ZERO, None)?;
    report.latency("round_trip", &alone);
    let file = open(path, libc::O_DIRECT)?;
    sequential(&file)?; // makes the blocks
    let rewrite = sequential(&file)?;
    report.number("sequential_direct_write_mb_per_s", FILE_BYTES as f64 / 1e6 / rewrite.as_secs_f64());
    let file = open(path, libc::O_DIRECT | libc::O_DSYNC)?;
    let small = durable(&file, BLOCK)?;
    report.latency("durable_4k", &small);
    report.latency("durable_64k", &durable(&file, 64 << 10)?);
    report.latency("durable_echo_1000_per_s", &round_trips(PACE, Some(file))?);
    let sum = (alone.value_at_quantile(0.5) + small.value_at_quantile(0.5)) as f64 / 1000.0;
    report.number("round_trip_plus_durable_4k_p50_us", sum);
    Ok(report)
}
