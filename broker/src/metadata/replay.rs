//! From the log's batches back to an image: pure, so that a damaged or torn log can be tried in a unit test.
//!
//! A snapshot lies in the log itself: its records follow each other without others in between, marked as its own. One
//! that was cut short by a crash is followed by ordinary records, or by nothing: it is dropped, since what it would have
//! replaced is still there.

use std::fmt;

use bytes::Bytes;
use corelog_storage::{batch::Header, error::BatchError, ids::Timestamp, record};

use crate::metadata::{
    codec::{self, CodecError, Entry},
    image::{ApplyError, ClusterImage, ImageVersion},
    record::MetadataRecord,
};

/// The key of records that belong to a snapshot.
const SNAPSHOT: &[u8] = b"snapshot";

/// About how many bytes of a snapshot go into one batch.
const SNAPSHOT_BATCH: usize = 256 << 10;

/// The log cannot be read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// Not record batches.
    Batch(BatchError),
    /// Not metadata records.
    Codec(CodecError),
    /// Records that contradict each other.
    Apply(ApplyError),
    /// A snapshot that is not whole.
    Snapshot,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(error) => error.fmt(f),
            Self::Codec(error) => error.fmt(f),
            Self::Apply(error) => error.fmt(f),
            Self::Snapshot => f.write_str("a snapshot of the metadata is not whole"),
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<BatchError> for ReplayError {
    fn from(error: BatchError) -> Self {
        Self::Batch(error)
    }
}

impl From<CodecError> for ReplayError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<ApplyError> for ReplayError {
    fn from(error: ApplyError) -> Self {
        Self::Apply(error)
    }
}

/// Rebuilds an image, batch by batch.
#[derive(Default)]
pub struct Replay {
    image: ClusterImage,
    snapshot: Option<(ImageVersion, Vec<MetadataRecord>)>,
    since_snapshot: usize,
}

impl Replay {
    /// Takes the batches that `bytes` begins with; returns what is left of an incomplete last one.
    pub fn take(&mut self, mut bytes: Bytes) -> Result<Bytes, ReplayError> {
        while let Ok(header) = Header::parse(&bytes) {
            if bytes.len() < header.size as usize {
                break;
            }
            let batch = bytes.split_to(header.size as usize);
            self.take_batch(&header, &batch)?;
        }
        Ok(bytes)
    }

    /// The image, and how many records lie behind the last snapshot.
    pub fn finish(self) -> (ClusterImage, usize) {
        (self.image, self.since_snapshot)
    }

    fn take_batch(&mut self, header: &Header, batch: &Bytes) -> Result<(), ReplayError> {
        let body = record::body(header, batch)?;
        for record in record::records(&body, header.records) {
            let record = record?;
            let entry = codec::decode(record.value.unwrap_or_default())?;
            match record.key == Some(SNAPSHOT) {
                true => self.take_snapshot(entry)?,
                false => self.take_ordinary(entry)?,
            }
        }
        Ok(())
    }

    fn take_ordinary(&mut self, entry: Entry) -> Result<(), ReplayError> {
        self.snapshot = None;
        self.since_snapshot += 1;
        match entry {
            Entry::Record(record) => Ok(self.image.apply(&record)?),
            Entry::SnapshotBegin(_) | Entry::SnapshotEnd(_) => Err(ReplayError::Snapshot),
        }
    }

    fn take_snapshot(&mut self, entry: Entry) -> Result<(), ReplayError> {
        match (entry, &mut self.snapshot) {
            (Entry::SnapshotBegin(version), _) => self.snapshot = Some((version, Vec::new())),
            (Entry::Record(record), Some((_, records))) => records.push(record),
            (Entry::SnapshotEnd(count), Some((version, records))) if count == records.len() as u64 => {
                self.image = ClusterImage::from_snapshot(*version, records)?;
                self.snapshot = None;
                self.since_snapshot = 0;
            }
            _ => return Err(ReplayError::Snapshot),
        }
        Ok(())
    }
}

/// The batch of one atomic step.
pub fn step_batch(records: &[MetadataRecord], now: Timestamp) -> Bytes {
    let mut batch = record::BatchBuilder::new();
    for record in records {
        batch.push(now, None, Some(&codec::encode(&Entry::Record(record.clone()))));
    }
    batch.build()
}

/// The batches of a snapshot of `image`.
pub fn snapshot_batches(image: &ClusterImage, now: Timestamp) -> Vec<Bytes> {
    let records = image.to_records();
    let end = Entry::SnapshotEnd(records.len() as u64);
    let entries = std::iter::once(Entry::SnapshotBegin(image.version()))
        .chain(records.into_iter().map(Entry::Record))
        .chain([end]);
    let mut batches = Vec::new();
    let mut batch = record::BatchBuilder::new();
    for entry in entries {
        batch.push(now, Some(SNAPSHOT), Some(&codec::encode(&entry)));
        if batch.size() >= SNAPSHOT_BATCH {
            batches.push(std::mem::take(&mut batch).build());
        }
    }
    if !batch.is_empty() {
        batches.push(batch.build());
    }
    batches
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::metadata::codec::tests::samples;

    const NOW: Timestamp = Timestamp(1);

    fn replayed(batches: &[Bytes]) -> Result<ClusterImage, ReplayError> {
        let bytes: BytesMut = batches.iter().flat_map(|batch| batch.iter().copied()).collect();
        let mut replay = Replay::default();
        let rest = replay.take(bytes.freeze())?;
        assert!(rest.is_empty());
        Ok(replay.finish().0)
    }

    fn sample_image(records: usize) -> ClusterImage {
        ClusterImage::default().after(&samples()[..records]).expect("the samples apply in order")
    }

    #[test]
    fn a_log_reads_back_to_the_image_it_made() {
        for count in 1..=samples().len() {
            let steps: Vec<Bytes> =
                samples()[..count].iter().map(|one| step_batch(std::slice::from_ref(one), NOW)).collect();
            assert_eq!(replayed(&steps), Ok(sample_image(count)));
        }
        assert_eq!(replayed(&[step_batch(&samples(), NOW)]), Ok(sample_image(samples().len())));
    }

    #[test]
    fn a_snapshot_stands_for_all_before_it() {
        for count in 1..=samples().len() {
            let image = sample_image(count);
            let snapshot = snapshot_batches(&image, NOW);
            assert_eq!(replayed(&snapshot), Ok(image.clone()), "alone");
            let before = step_batch(&samples()[..count], NOW);
            let both: Vec<Bytes> = std::iter::once(before).chain(snapshot).collect();
            assert_eq!(replayed(&both), Ok(image), "before the log was cut");
        }
    }

    #[test]
    fn a_snapshot_cut_short_changes_nothing() {
        let whole = sample_image(6);
        let mut records = vec![Entry::SnapshotBegin(whole.version())];
        records.extend(whole.to_records().into_iter().map(Entry::Record));
        for kept in 1..=records.len() {
            let mut torn = record::BatchBuilder::new();
            for entry in &records[..kept] {
                torn.push(NOW, Some(SNAPSHOT), Some(&codec::encode(entry)));
            }
            let batches = [step_batch(&samples()[..6], NOW), torn.build(), step_batch(&samples()[6..8], NOW)];
            assert_eq!(replayed(&batches), Ok(sample_image(8)));
            assert_eq!(replayed(&batches[..2]), Ok(whole.clone()));
        }
    }

    #[test]
    fn an_incomplete_batch_waits_for_its_rest() {
        let batch = step_batch(&samples(), NOW);
        let mut replay = Replay::default();
        let rest = replay.take(batch.slice(..batch.len() - 1)).expect("waits");
        assert_eq!(rest.len(), batch.len() - 1);
        assert!(replay.take(batch).expect("whole").is_empty());
    }
}
