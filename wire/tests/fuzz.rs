//! What `wire/fuzz` does without end, for a bounded number of cases on any compiler: frames of real clients, changed from
//! seeds. `FUZZ_CASES` (how many of each kind, for a soak).

#[path = "support/fuzzed.rs"]
mod fuzzed;
#[path = "support/random.rs"]
mod random;

use random::Random;

const CASES: usize = 300_000;
const INTERESTING: [u32; 8] = [0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// The captured frames, of requests or of responses; of these, API key and version come before the frame.
fn seeds(requests: bool) -> Vec<Vec<u8>> {
    let lines = include_str!("golden.txt").lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let wanted = lines.filter(|fields| (fields[1] == "request") == requests);
    let parse = |fields: Vec<&str>| {
        let [key, version] = [fields[2], fields[3]].map(|number| number.parse::<i16>().unwrap().to_be_bytes());
        let digits = fields[4].as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let content = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap());
        if requests { content.collect() } else { [key, version].concat().into_iter().chain(content).collect() }
    };
    wanted.map(parse).collect()
}

/// One to three changes of a seed.
fn changed(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(3) {
        let at = random.below(data.len() + 1);
        match random.below(7) {
            0 => data.truncate(at),
            1 => data.insert(at, random.next() as u8),
            2 if at < data.len() => data[at] ^= 1 << random.below(8),
            3 if at < data.len() => drop(data.remove(at)),
            // The API's key and version choose what is read.
            4 if data.len() > 4 => data[random.below(4)] = random.below(90) as u8,
            5 => {
                let number = INTERESTING[random.below(INTERESTING.len())].to_be_bytes();
                data.iter_mut().skip(at).zip(number).for_each(|(byte, new)| *byte = new);
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let piece = &other[from..other.len().min(from + 1 + random.below(40))];
                data.splice(at..at, piece.iter().copied());
            }
        }
    }
    data
}

/// So many of these must still be read as something, or what lies deep in them is never reached.
fn fuzz(name: &str, seeds: &[Vec<u8>], least: f64, read: fn(&[u8]) -> bool) {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(CASES);
    let mut random = Random(0xc0fe + name.len() as u64);
    let taken = (0..cases).filter(|_| read(&changed(seeds, &mut random))).count();
    println!("{name}: {cases} cases of {} seeds, {taken} were read", seeds.len());
    assert!(taken as f64 >= least * cases as f64, "{name}: only {taken} of {cases} cases were read");
}

#[test]
fn streams_of_changed_frames_are_cut_without_loss() {
    let framed = |frame: Vec<u8>| [&(frame.len() as u32).to_be_bytes()[..], &frame].concat();
    let seeds: Vec<_> = seeds(true).into_iter().map(framed).collect();
    fuzz("stream", &seeds, 0.2, fuzzed::stream);
}

#[test]
fn changed_requests_that_are_read_are_written_alike() {
    fuzz("request", &seeds(true), 0.05, fuzzed::request);
}

#[test]
fn changed_responses_that_are_read_are_written_alike() {
    fuzz("response", &seeds(false), 0.05, fuzzed::response);
}
