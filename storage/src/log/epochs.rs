//! Which leader epoch began at which offset (KIP-101): what a follower or a consumer asks to find where logs diverged.

use crate::ids::{LeaderEpoch, Offset};

/// The epochs of one log, oldest first; both epochs and offsets rise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    starts: Vec<(LeaderEpoch, Offset)>,
}

impl Epochs {
    /// The epochs as a checkpoint had them. Entries out of order are dropped.
    pub(crate) fn from_entries(entries: impl IntoIterator<Item = (LeaderEpoch, Offset)>) -> Self {
        let mut epochs = Self::default();
        for (epoch, start) in entries {
            epochs.enter(epoch, start);
        }
        epochs
    }

    /// All entries, oldest first.
    pub(crate) fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.starts
    }

    /// The newest epoch.
    pub(crate) fn latest(&self) -> Option<LeaderEpoch> {
        self.starts.last().map(|(epoch, _)| *epoch)
    }

    /// `epoch` begins at `start`, unless an epoch at least as new is known. An epoch in which nothing was written gives
    /// way to its successor only if that starts at the same offset.
    pub(crate) fn enter(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if self.latest().is_some_and(|latest| latest >= epoch) {
            return false;
        }
        while self.starts.last().is_some_and(|(_, offset)| *offset >= start) {
            self.starts.pop();
        }
        self.starts.push((epoch, start));
        true
    }

    /// The newest known epoch not above `epoch`, and where it ends in a log that ends at `log_end`. `None` if the
    /// epoch is newer than all that is known, or older.
    pub(crate) fn end_of(&self, epoch: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        let after = self.starts.partition_point(|(known, _)| *known <= epoch);
        if after == self.starts.len() {
            let latest = self.latest()?;
            return (latest == epoch).then_some((latest, log_end));
        }
        let (_, end) = self.starts[after];
        match after.checked_sub(1) {
            Some(at) => Some((self.starts[at].0, end)),
            // Older than the oldest known: it ended where that one starts (Kafka answers the asked epoch).
            None => Some((epoch, end)),
        }
    }

    /// The epoch of the record at `offset`.
    pub(crate) fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.starts.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|at| self.starts[at].0)
    }

    /// The log now starts at `start`: the epoch that holds it begins there, older ones are forgotten.
    pub(crate) fn truncate_front(&mut self, start: Offset) {
        let after = self.starts.partition_point(|(_, offset)| *offset <= start);
        if after > 1 {
            self.starts.drain(..after - 1);
        }
        if let Some(first) = self.starts.first_mut() {
            first.1 = first.1.max(start);
        }
    }

    /// The log now ends at `end`.
    pub(crate) fn truncate_back(&mut self, end: Offset) {
        while self.starts.last().is_some_and(|(_, offset)| *offset >= end) {
            self.starts.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        Epochs::from_entries(entries.iter().map(|(epoch, offset)| (LeaderEpoch(*epoch), Offset(*offset))))
    }

    fn end(epochs: &Epochs, epoch: i32) -> Option<(i32, i64)> {
        epochs.end_of(LeaderEpoch(epoch), Offset(100)).map(|(epoch, end)| (epoch.0, end.0))
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs(&[(1, 0), (3, 20), (7, 50)]);
        assert_eq!(end(&epochs, 0), Some((0, 0)), "older than all that is known");
        assert_eq!(end(&epochs, 1), Some((1, 20)));
        assert_eq!(end(&epochs, 2), Some((1, 20)), "never led here");
        assert_eq!(end(&epochs, 3), Some((3, 50)));
        assert_eq!(end(&epochs, 7), Some((7, 100)));
        assert_eq!(end(&epochs, 8), None, "newer than all that is known");
        assert_eq!(end(&Epochs::default(), 0), None);
    }

    #[test]
    fn an_epoch_without_records_gives_way() {
        let epochs = epochs(&[(1, 0), (3, 20), (4, 20), (4, 30), (2, 60)]);
        assert_eq!(epochs.entries(), &[(LeaderEpoch(1), Offset(0)), (LeaderEpoch(4), Offset(20))]);
    }

    #[test]
    fn truncation_keeps_the_epoch_that_holds_the_edge() {
        let mut epochs = epochs(&[(1, 0), (3, 20), (7, 50)]);
        epochs.truncate_front(Offset(30));
        assert_eq!(epochs.entries(), &[(LeaderEpoch(3), Offset(30)), (LeaderEpoch(7), Offset(50))]);
        epochs.truncate_back(Offset(50));
        assert_eq!(epochs.entries(), &[(LeaderEpoch(3), Offset(30))]);
        assert_eq!(epochs.epoch_at(Offset(40)), Some(LeaderEpoch(3)));
        assert_eq!(epochs.epoch_at(Offset(29)), None);
    }
}
