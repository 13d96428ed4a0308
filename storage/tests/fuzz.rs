//! What `storage/fuzz` does without end, for a bounded number of cases on any compiler: batches of ours, changed from seeds.
//! `FUZZ_CASES` (how many of each kind, for a soak).

#[path = "support/fuzzed.rs"]
mod fuzzed;

use std::io::Write;

use corelog_storage::{batch::crc32c, ids::Timestamp, record::BatchBuilder, sim::Rng};

const CASES: u64 = 300_000;
const INTERESTING: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

fn batches() -> Vec<Vec<u8>> {
    let value = [7; 90];
    let of = |records: i64| {
        let mut builder = BatchBuilder::new();
        for at in 0..records {
            builder.push(Timestamp(20 + at), Some(&at.to_le_bytes()), (at % 3 > 0).then_some(&value[..at as usize]));
        }
        builder.build().to_vec()
    };
    vec![of(1), of(2), of(5), of(40)]
}

/// Attributes, count, timestamps, and the batches' records in each codec.
fn bodies() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for batch in batches() {
        let (count, body) = (batch[60], &batch[61..]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(body).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(body).unwrap();
        let snappy = snap::raw::Encoder::new().compress_vec(body).unwrap();
        let framed = [b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01", &(snappy.len() as u32).to_be_bytes()[..], &snappy].concat();
        let zstd = zstd::bulk::compress(body, 1).unwrap();
        let codecs = [
            (0, body.to_vec()),
            (1, gzip.finish().unwrap()),
            (2, snappy),
            (2, framed),
            (3, lz4.finish().unwrap()),
            (4, zstd),
        ];
        all.extend(codecs.into_iter().map(|(codec, body)| [&[codec, count, 22, 63], &body[..]].concat()));
    }
    all
}

/// One to three changes of a seed.
fn changed(seeds: &[Vec<u8>], random: &Rng) -> Vec<u8> {
    let below = |bound: usize| random.below(bound as u64) as usize;
    let mut data = seeds[below(seeds.len())].clone();
    for _ in 0..=below(3) {
        let at = below(data.len() + 1);
        match below(6) {
            0 => data.truncate(at),
            1 => data.insert(at, random.next() as u8),
            2 if at < data.len() => data[at] ^= 1 << below(8),
            3 if at < data.len() => drop(data.remove(at)),
            4 if at < data.len() => data[at] = INTERESTING[below(INTERESTING.len())],
            _ => {
                let other = &seeds[below(seeds.len())];
                let from = below(other.len());
                data.splice(at..at, other[from..other.len().min(from + 1 + below(20))].iter().copied());
            }
        }
    }
    data
}

/// So many of these must still be taken, or what lies deep in them is never reached.
fn fuzz(name: &str, seeds: &[Vec<u8>], least: f64, change: impl Fn(&Rng) -> Vec<u8>, read: fn(&[u8]) -> bool) {
    assert!(seeds.iter().all(|seed| read(seed)), "each seed is taken");
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(CASES);
    let random = Rng::new(0xc0fe);
    let taken = (0..cases).filter(|_| read(&change(&random))).count();
    println!("{name}: {cases} cases of {} seeds, {taken} were taken", seeds.len());
    assert!(taken as f64 >= least * cases as f64, "{name}: only {taken} of {cases} cases were taken");
}

#[test]
fn changed_batches_that_are_taken_are_whole() {
    let seeds = batches();
    // Every other one with a right checksum.
    let change = |random: &Rng| {
        let mut data = changed(&seeds, random);
        if random.below(2) == 0 && data.len() > 61 {
            let crc = crc32c(&data[21..]);
            data[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        data
    };
    fuzz("batch", &seeds, 0.02, change, fuzzed::batch);
}

#[test]
fn changed_records_that_a_compacted_topic_takes_can_be_read() {
    let seeds = bodies();
    fuzz("records", &seeds, 0.05, |random| changed(&seeds, random), fuzzed::records);
}
