//! What the borrowing requests share: a list in a frame that was checked once and is walked many times.

use crate::codec::{DecodeError, DecodeReason, Decoder};
use bytes::Bytes;
use std::marker::PhantomData;

/// An element that is read where it lies. Reading it also steps over it.
pub trait Item<'a>: Sized {
    /// Reads one; `version` is the request's.
    fn read(from: &mut Decoder<'a>, version: i16) -> Result<Self, DecodeError>;
}

/// A list of `T` in a frame: where it begins, and how many elements it has. An iterator that allocates nothing.
pub struct List<'a, T> {
    decoder: Decoder<'a>,
    version: i16,
    left: usize,
    element: PhantomData<T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        Self { decoder: self.decoder.clone(), version: self.version, left: self.left, element: PhantomData }
    }
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// Reads the count, walks all elements to check them, and leaves `from` behind them.
    pub(crate) fn read(from: &mut Decoder<'a>, version: i16, field: &'static str) -> Result<Self, DecodeError> {
        let left = from.count(field)?.ok_or_else(|| from.error(field, DecodeReason::Null))?;
        let list = Self { decoder: from.clone(), version, left, element: PhantomData };
        for _ in 0..left {
            T::read(from, version)?;
        }
        Ok(list)
    }

    /// The list that [`List::read`] found at `place` of this frame.
    pub(crate) fn at(frame: &'a Bytes, place: Place, version: i16, flexible: bool) -> Self {
        let decoder = Decoder::at(frame, place.start, flexible);
        Self { decoder, version, left: place.count, element: PhantomData }
    }

    /// Where it lies in its frame.
    pub(crate) fn place(&self) -> Place {
        Place { start: self.decoder.position(), count: self.left }
    }
}

/// Where a checked list lies in its frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    start: usize,
    count: usize,
}

impl<'a, T: Item<'a>> Iterator for List<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let item = T::read(&mut self.decoder, self.version);
        debug_assert!(item.is_ok(), "the list was checked");
        item.ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: Item<'a>> ExactSizeIterator for List<'a, T> {}

impl<'a> Item<'a> for i32 {
    fn read(from: &mut Decoder<'a>, _: i16) -> Result<Self, DecodeError> {
        from.i32("element")
    }
}
