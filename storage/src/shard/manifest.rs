//! What a shard tells another of a log that goes there, and what it becomes in that one's journal.

use std::{collections::BTreeMap, rc::Rc};

use bytes::{Buf, BufMut, Bytes};

use super::{Generation, record::Place};
use crate::{
    checkpoint::{decode_image, encode_image},
    env::Env,
    error::StorageError,
    ids::{LogId, Offset},
    journal::Sequence,
    log::{
        Log,
        cuts::Cuts,
        state::{LogImage, LogNumber},
    },
    mutant::{Mutant, active},
};

/// Bytes of a manifest in one journal record.
const PART: usize = 128 << 10;

/// A log on its way to another shard: all of its state, and what its files do not hold yet. They stay where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogManifest {
    /// Which log.
    pub id: LogId,
    /// The receiver's claim.
    pub generation: Generation,
    bytes: Bytes,
}

impl LogManifest {
    /// Of a log that is not changed any more. Its state is that of a checkpoint; batches that are not in its segments
    /// follow, each with its place.
    pub(super) fn new<E: Env>(image: LogImage, log: &Rc<Log<E>>) -> Self {
        let (id, generation, state) = (image.id, Generation(image.generation.0 + 1), encode_image(&image));
        let mut bytes = Vec::with_capacity(4 + state.len());
        bytes.put_u32_le(state.len() as u32);
        bytes.extend_from_slice(&state);
        for (place, batch) in log.batches_from(image.flushed_end) {
            bytes.put_u64_le(place.segment.0 as u64);
            bytes.put_u32_le(place.position);
            bytes.put_u32_le(batch.iter().map(Bytes::len).sum::<usize>() as u32);
            batch.iter().for_each(|piece| bytes.extend_from_slice(piece));
        }
        Self { id, generation, bytes: bytes.into() }
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The records of it in a journal.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let count = self.bytes.chunks(PART).count();
        let part =
            move |(at, bytes)| Part { generation: self.generation, first: at == 0, last: at + 1 == count, bytes };
        self.bytes.chunks(PART).enumerate().map(part)
    }
}

/// One record of a manifest.
pub(super) struct Part<'a> {
    generation: Generation,
    first: bool,
    last: bool,
    pub(super) bytes: &'a [u8],
}

impl Part<'_> {
    /// What comes before its bytes.
    pub(super) fn head(&self, number: LogNumber) -> [u8; 9] {
        let mut head = [0; 9];
        head[0..4].copy_from_slice(&number.0.to_le_bytes());
        head[4..8].copy_from_slice(&self.generation.0.to_le_bytes());
        head[8] = u8::from(self.first) | u8::from(self.last) << 1;
        head
    }
}

/// What a manifest says.
pub(super) struct Contents {
    /// The log's state. Segments end where their files do.
    pub(super) image: LogImage,
    /// The batches behind, up to the log's end.
    pub(super) rest: Vec<(Place, Bytes)>,
}

impl Contents {
    /// Reads a manifest of a log that has this number in the receiving shard.
    pub(super) fn read(bytes: &Bytes, number: LogNumber) -> Result<Self, StorageError> {
        Self::parse(bytes.clone(), number).ok_or_else(Self::do_not_fit)
    }

    fn parse(mut bytes: Bytes, number: LogNumber) -> Option<Self> {
        let state = take(&mut bytes)?;
        // The cuts are told by records of the giver's journal, which the receiver never replays.
        let image = LogImage { cuts: Cuts::default(), number, ..decode_image(&state)? };
        let mut rest = Vec::new();
        while bytes.has_remaining() {
            let segment = Offset(bytes.try_get_u64_le().ok()? as i64);
            let position = bytes.try_get_u32_le().ok()?;
            let batch = take(&mut bytes)?;
            rest.push((Place { number, segment, position }, batch));
        }
        if active(Mutant::AdoptForgetsTheRest) {
            rest.clear();
        }
        Some(Self { image, rest })
    }

    pub(super) fn do_not_fit() -> StorageError {
        StorageError::Corrupt { place: "a log's manifest".into(), why: "its fields do not fit" }
    }
}

/// Bytes whose length comes before them.
fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let length = bytes.try_get_u32_le().ok()? as usize;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

/// Manifests as a journal gives them, part by part.
#[derive(Default)]
pub(super) struct Adoptions(BTreeMap<LogNumber, (Sequence, Vec<u8>)>);

impl Adoptions {
    /// Takes a record. The last of a manifest gives the first's sequence, and what it says. Of one whose first record is not
    /// here the checkpoint knows all.
    pub(super) fn push(
        &mut self,
        sequence: Sequence,
        number: LogNumber,
        (first, last): (bool, bool),
        part: &[u8],
    ) -> Result<Option<(Sequence, Contents)>, StorageError> {
        if first {
            self.0.insert(number, (sequence, Vec::new()));
        }
        let Some((_, bytes)) = self.0.get_mut(&number) else { return Ok(None) };
        bytes.extend_from_slice(part);
        if !last {
            return Ok(None);
        }
        let whole = self.0.remove(&number);
        whole.map(|(first, bytes)| Ok((first, Contents::read(&bytes.into(), number)?))).transpose()
    }
}
