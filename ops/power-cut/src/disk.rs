//! A disk with a volatile write cache, as pure state: no I/O, no clock.
//!
//! A write lands in the cache and is read back from there; only a flush makes what came before it durable. A power cut
//! keeps everything flushed and, of what was written since, any sectors the seed picks: each 512-byte sector on its own,
//! so writes are torn and arrive out of order, as on a disk that tells the truth about flushes and nothing else.

/// What a disk writes at once, or not at all.
pub(crate) const SECTOR: usize = 512;

/// A write that the cache holds and the medium does not yet.
struct Cached {
    at: usize,
    bytes: Vec<u8>,
}

/// The disk: `current` is what reads see, `durable` what a power cut certainly leaves.
pub(crate) struct Disk {
    current: Vec<u8>,
    durable: Vec<u8>,
    cached: Vec<Cached>,
    /// Counters for the report.
    pub(crate) counts: Counts,
    trap: Option<Trap>,
    caught: Option<Cut>,
}

/// How much happened to the disk.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) writes: u64,
    pub(crate) bytes: u64,
    pub(crate) flushes: u64,
}

/// A power cut set to happen by itself when the broker does something.
pub(crate) struct Trap {
    /// Bytes that begin the write of interest (a checkpoint's or a segment's magic); empty: any write.
    pub(crate) prefix: Vec<u8>,
    /// Writes and flushes that still pass after the first match.
    pub(crate) passes: u32,
    /// Which sectors survive.
    pub(crate) seed: u64,
    /// Called at the moment of the cut, before anything else can reach the disk.
    pub(crate) witness: Box<dyn FnOnce() -> u64 + Send>,
    /// Whether the match was seen.
    pub(crate) armed: bool,
}

/// What a power cut left.
pub(crate) struct Cut {
    /// The medium's content afterwards.
    pub(crate) image: Vec<u8>,
    pub(crate) sectors_kept: u64,
    pub(crate) sectors_lost: u64,
    /// What the witness said at that moment: how many acknowledgements had been received.
    pub(crate) witnessed: u64,
}

impl Disk {
    /// An empty disk of `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        assert_eq!(bytes % SECTOR, 0, "a disk has whole sectors");
        let (current, durable) = (vec![0; bytes], vec![0; bytes]);
        Self { current, durable, cached: Vec::new(), counts: Counts::default(), trap: None, caught: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.current.len()
    }

    /// Up to `length` bytes at `at`, fewer at the end.
    pub(crate) fn read(&self, at: usize, length: usize) -> &[u8] {
        let end = self.current.len().min(at.saturating_add(length));
        &self.current[at.min(end)..end]
    }

    /// Writes into the cache; false if it does not fit the disk.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) -> bool {
        let Some(place) = self.current.get_mut(at..at.saturating_add(bytes.len())) else { return false };
        place.copy_from_slice(bytes);
        self.counts.writes += 1;
        self.counts.bytes += bytes.len() as u64;
        self.cached.push(Cached { at, bytes: bytes.to_vec() });
        self.spring(Some(bytes));
        true
    }

    /// Makes all writes so far durable.
    pub(crate) fn flush(&mut self) {
        self.counts.flushes += 1;
        // A cut amid a flush finds part of the cache on the medium: the trap comes first.
        self.spring(None);
        for write in self.cached.drain(..) {
            self.durable[write.at..write.at + write.bytes.len()].copy_from_slice(&write.bytes);
        }
    }

    /// The medium's content if the power failed now; the running system does not notice.
    pub(crate) fn cut(&self, seed: u64, witness: impl FnOnce() -> u64) -> Cut {
        let witnessed = witness();
        let mut random = Random(seed | 1);
        let mut cut = Cut { image: self.durable.clone(), sectors_kept: 0, sectors_lost: 0, witnessed };
        // Sometimes nearly all of the cache was written, sometimes nearly nothing.
        let keep_of_8 = random.next() % 8;
        for write in &self.cached {
            for (index, sector) in write.bytes.chunks(SECTOR).enumerate() {
                if random.next() % 8 >= keep_of_8 {
                    cut.sectors_lost += 1;
                    continue;
                }
                let at = write.at + index * SECTOR;
                cut.image[at..at + sector.len()].copy_from_slice(sector);
                cut.sectors_kept += 1;
            }
        }
        cut
    }

    /// Puts another disk's content in: the machine comes up again.
    pub(crate) fn replace(&mut self, image: Vec<u8>) {
        assert_eq!(image.len(), self.current.len(), "the same disk");
        self.durable.copy_from_slice(&image);
        self.current = image;
        self.cached.clear();
        self.trap = None;
        self.caught = None;
    }

    /// Sets a trap; it springs once.
    pub(crate) fn set_trap(&mut self, trap: Trap) {
        self.trap = Some(trap);
    }

    /// The cut that a trap made, if it sprang.
    pub(crate) fn take_caught(&mut self) -> Option<Cut> {
        self.caught.take()
    }

    fn spring(&mut self, written: Option<&[u8]>) {
        let Some(mut trap) = self.trap.take() else { return };
        trap.armed |= written.is_some_and(|bytes| bytes.starts_with(&trap.prefix));
        if !trap.armed || trap.passes > 0 {
            trap.passes -= u32::from(trap.armed);
            self.trap = Some(trap);
            return;
        }
        self.caught = Some(self.cut(trap.seed, trap.witness));
    }
}

/// xorshift64: enough to pick sectors and moments.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64 * SECTOR;

    #[test]
    fn what_was_flushed_survives_every_cut() {
        let mut disk = Disk::new(SIZE);
        assert!(disk.write(SECTOR, &[7; 3 * SECTOR]));
        disk.flush();
        assert!(disk.write(SECTOR * 8, &[9; SECTOR]));
        for seed in 0..200 {
            let image = disk.cut(seed, || 0).image;
            assert!(image[SECTOR..4 * SECTOR].iter().all(|&b| b == 7));
        }
    }

    #[test]
    fn what_was_not_flushed_is_lost_torn_or_kept_by_sector() {
        let mut disk = Disk::new(SIZE);
        assert!(disk.write(0, &[5; 8 * SECTOR]));
        let (mut whole, mut none, mut torn) = (0, 0, 0);
        for seed in 0..400 {
            let cut = disk.cut(seed * 77, || 0);
            assert_eq!(cut.sectors_kept + cut.sectors_lost, 8);
            for sector in cut.image[..8 * SECTOR].chunks(SECTOR) {
                assert!(sector.iter().all(|&b| b == sector[0]), "a sector is never torn");
            }
            match cut.sectors_kept {
                8 => whole += 1,
                0 => none += 1,
                _ => torn += 1,
            }
        }
        assert!(none > 0 && torn > 100 && whole > 0, "kept {whole}, lost {none}, torn {torn}");
    }

    #[test]
    fn a_trap_cuts_amid_what_it_waits_for() {
        let mut disk = Disk::new(SIZE);
        let witness = Box::new(|| 42);
        disk.set_trap(Trap { prefix: b"MAGIC".to_vec(), passes: 1, seed: 3, witness, armed: false });
        disk.write(0, &[1; SECTOR]);
        disk.write(SECTOR, b"MAGIC");
        assert!(disk.take_caught().is_none(), "one more passes");
        disk.flush();
        let cut = disk.take_caught().expect("the flush sprang it");
        assert_eq!((cut.witnessed, cut.sectors_kept + cut.sectors_lost), (42, 2), "before the flush took effect");
        disk.replace(cut.image.clone());
        assert_eq!(disk.read(0, SIZE), &cut.image[..]);
    }

    #[test]
    fn reads_and_writes_past_the_end_are_cut_short_or_refused() {
        let mut disk = Disk::new(SIZE);
        assert!(!disk.write(SIZE - 1, &[0; 2]));
        assert_eq!(disk.read(SIZE - 1, 10).len(), 1);
        assert!(disk.read(usize::MAX, 10).is_empty());
    }
}
