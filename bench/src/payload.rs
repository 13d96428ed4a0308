//! What every record carries: whose it is, its number, when it was due, and a checksum over all of it.

use crate::error::{Error, Result};

/// Stream, number, due time, checksum.
pub(crate) const LEAST: usize = 4 + 8 + 8 + 4;

/// The identity of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Which of the run's writers.
    pub(crate) stream: u32,
    /// Its number among that writer's records.
    pub(crate) sequence: u64,
    /// When it was due, in nanoseconds of the run.
    pub(crate) due: u64,
}

impl Stamp {
    /// Fills a value: the stamp, a pattern that differs from record to record, the checksum.
    pub(crate) fn write(self, value: &mut [u8]) {
        value[..4].copy_from_slice(&self.stream.to_be_bytes());
        value[4..12].copy_from_slice(&self.sequence.to_be_bytes());
        value[12..20].copy_from_slice(&self.due.to_be_bytes());
        let end = value.len() - 4;
        let mut pattern = (self.sequence ^ u64::from(self.stream) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for chunk in value[20..end].chunks_mut(8) {
            pattern = pattern.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
            chunk.copy_from_slice(&pattern.to_be_bytes()[..chunk.len()]);
        }
        let crc = crc32fast::hash(&value[..end]);
        value[end..].copy_from_slice(&crc.to_be_bytes());
    }

    /// The stamp of a value that is intact.
    pub(crate) fn read(value: &[u8]) -> Result<Self> {
        let broken = || Error::Broken("a record is not as it was written".into());
        let end = value.len().checked_sub(4).filter(|end| *end >= LEAST - 4).ok_or_else(broken)?;
        if value[end..] != crc32fast::hash(&value[..end]).to_be_bytes() {
            return Err(broken());
        }
        let part = |at: usize| value[at..at + 8].try_into().map(u64::from_be_bytes).map_err(|_| broken());
        let stream = value[..4].try_into().map(u32::from_be_bytes).map_err(|_| broken())?;
        Ok(Self { stream, sequence: part(4)?, due: part(12)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_and_a_changed_value_does_not() {
        let stamp = Stamp { stream: 3, sequence: 9, due: 1 << 40 };
        for size in [LEAST, LEAST + 1, 100] {
            let mut value = vec![0; size];
            stamp.write(&mut value);
            assert_eq!(Stamp::read(&value).unwrap(), stamp);
            value[size / 2] ^= 1;
            assert!(Stamp::read(&value).is_err());
        }
    }
}
