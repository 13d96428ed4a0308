//! All that a log knows of itself, but its files: what is captured in a checkpoint, carried in a manifest, rebuilt by
//! recovery.

use std::{collections::VecDeque, task::Waker};

use super::{
    DurableListener, LogConfig, StartListener,
    cuts::Cuts,
    epochs::Epochs,
    producers::{Producer, Producers},
    segment::Segment,
    tail::Tail,
};
use crate::{
    env::BLOCK,
    error::StorageError,
    ids::{LeaderEpoch, LogId, Offset, ProducerId},
    journal::Sequence,
    mutant::{Mutant, active},
    shard::Generation,
};

/// A log's number in its shard: short, and never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct LogNumber(pub u32);

/// A log's lasting state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogImage {
    /// Its number in the shard that wrote this.
    pub(crate) number: LogNumber,
    /// Its name.
    pub(crate) id: LogId,
    /// How often it moved.
    pub(crate) generation: Generation,
    /// Its configuration.
    pub(crate) config: LogConfig,
    /// The first offset there is.
    pub(crate) start: Offset,
    /// One past the last record, of those the journal holds too.
    pub(crate) end: Offset,
    /// Where the journal goes on: one past the last record that is whole in the segments.
    pub(crate) flushed_end: Offset,
    /// Its segments, oldest first. The last ends where its file does: the journal holds the rest.
    pub(crate) segments: Vec<Segment>,
    /// Its epochs.
    pub(crate) epochs: Vec<(LeaderEpoch, Offset)>,
    /// Its producers.
    pub(crate) producers: Vec<(ProducerId, Producer)>,
    /// Where it was cut, as far as the journal may still have records from before.
    pub(crate) cuts: Cuts,
    /// It is not served: what the journal held of it is set aside.
    pub(crate) set_aside: bool,
}

/// Whether a log may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Open,
    /// On its way to another directory: read, and not changed.
    Held,
    Deleted,
    Moved,
}

/// A batch whose bytes are in its segment alone: durable when the segment is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bypass {
    pub(super) base: Offset,
    pub(super) segment: Offset,
    pub(super) end_position: u32,
}

/// A log's memory.
pub(crate) struct State {
    pub(crate) life: Life,
    pub(crate) generation: Generation,
    pub(crate) config: LogConfig,
    pub(crate) start: Offset,
    pub(crate) end: Offset,
    pub(super) segments: VecDeque<Segment>,
    pub(super) tail: Tail,
    pub(super) epochs: Epochs,
    pub(super) producers: Producers,
    pub(crate) cuts: Cuts,
    /// Bytes of batches that came since this was made.
    pub(super) appended: u64,
    /// All below is in durable journal records.
    pub(super) journaled: Offset,
    /// What waits for its segment, oldest first.
    pub(super) bypasses: VecDeque<Bypass>,
    /// The last durable end that was told.
    pub(super) durable: Offset,
    pub(super) waiters: Vec<(Offset, Waker)>,
    pub(super) listener: Option<DurableListener>,
    pub(super) start_listener: Option<StartListener>,
    /// Under which sequence the shard has this log among those the journal is kept for.
    pub(super) dirty_at: Option<Sequence>,
}

impl State {
    pub(crate) fn new(config: LogConfig, generation: Generation) -> Self {
        Self {
            life: Life::Open,
            generation,
            config,
            start: Offset(0),
            end: Offset(0),
            segments: VecDeque::new(),
            tail: Tail::default(),
            epochs: Epochs::default(),
            producers: Producers::default(),
            cuts: Cuts::default(),
            appended: 0,
            journaled: Offset(0),
            bypasses: VecDeque::new(),
            durable: Offset(0),
            waiters: Vec::new(),
            listener: None,
            start_listener: None,
            dirty_at: None,
        }
    }

    /// The state that `image` describes, without what the journal adds.
    pub(crate) fn restore(image: LogImage) -> Self {
        let mut state = Self::new(image.config, image.generation);
        state.start = image.start;
        state.end = image.flushed_end;
        state.segments = image.segments.into();
        state.epochs = Epochs::from_entries(image.epochs);
        state.cuts = image.cuts;
        for (id, producer) in image.producers {
            state.producers.restore(id, producer);
        }
        state.journaled = state.end;
        state.durable = state.end;
        state
    }

    /// What a checkpoint holds of it. Records behind the segments' flushed parts are the journal's to keep.
    pub(crate) fn image(&self, number: LogNumber, id: LogId) -> LogImage {
        let mut segments: Vec<Segment> = self.segments.iter().cloned().collect();
        let mut flushed_end = self.end;
        let flushed = segments.iter().position(|segment| segment.flushed < segment.position);
        if let Some(at) = flushed {
            segments.truncate(at + 1);
            let open = &mut segments[at];
            match self.tail.first_unflushed(open.base, open.flushed) {
                Some((end, position)) if open.flushed > 0 => {
                    open.end = end;
                    open.position = position;
                    open.index.truncate(position);
                    flushed_end = end;
                }
                _ => {
                    flushed_end = open.base;
                    segments.pop();
                }
            }
        }
        LogImage {
            number,
            id,
            generation: self.generation,
            config: self.config,
            start: self.start,
            end: self.end,
            flushed_end,
            segments,
            epochs: if active(Mutant::LogForgetsEpochs) { Vec::new() } else { self.epochs.entries().to_vec() },
            producers: self.producers.iter().map(|(id, producer)| (id, producer.clone())).collect(),
            cuts: if active(Mutant::LogForgetsCuts) { Cuts::default() } else { self.cuts.clone() },
            set_aside: false,
        }
    }

    /// What is remembered of producers.
    #[cfg(test)]
    pub(crate) fn producers(&self) -> &Producers {
        &self.producers
    }

    pub(crate) fn usable(&self) -> Result<(), StorageError> {
        match self.life {
            Life::Open => Ok(()),
            Life::Deleted => Err(StorageError::Deleted),
            Life::Held | Life::Moved => Err(StorageError::Moved),
        }
    }

    pub(crate) fn readable(&self) -> Result<(), StorageError> {
        if self.life == Life::Held { Ok(()) } else { self.usable() }
    }

    pub(super) fn durable_end(&self) -> Offset {
        if self.config.relaxed {
            return self.end;
        }
        if active(Mutant::LogAcksBeforeSegment) {
            return self.journaled;
        }
        self.bypasses.front().map_or(self.journaled, |bypass| bypass.base.min(self.journaled))
    }

    /// Bytes not yet in segments, in whole blocks.
    pub(super) fn unflushed(&self) -> u64 {
        let open = self.segments.iter().rev().take_while(|segment| segment.flushed < segment.position);
        open.map(|segment| u64::from(segment.position.next_multiple_of(BLOCK as u32) - segment.flushed)).sum()
    }

    /// The segment that holds `offset`, or the last.
    pub(super) fn segment_of(&self, offset: Offset) -> Option<&Segment> {
        let at = self.segments.partition_point(|segment| segment.base <= offset).checked_sub(1)?;
        self.segments.get(at)
    }

    pub(super) fn segment_mut(&mut self, base: Offset) -> Option<&mut Segment> {
        let at = self.segments.binary_search_by_key(&base, |segment| segment.base).ok()?;
        self.segments.get_mut(at)
    }
}
