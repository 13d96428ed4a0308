//! The bounded reader.

use super::varint::{self, Varint};
use super::{DecodeError, DecodeReason, Element, Fields, TEXT_MAX};
use crate::uuid::Uuid;
use bytes::Bytes;

/// What a message may take in memory for each of its bytes on the wire. The hungriest honest one is a list of
/// structures whose lists, strings and tagged fields are all empty: a byte each here, 24 and more there.
const MEMORY_PER_BYTE: usize = 64;
/// And on top of that, so that a lone small structure always fits.
const MEMORY_BASE: usize = 4096;
/// Lists start with room for at most this many elements and grow as those arrive.
const FIRST_ROOM: usize = 64;

/// Reads primitive values from a message. `Bytes` fields are slices of the buffer, not copies.
#[derive(Clone)]
pub struct Decoder<'a> {
    bytes: &'a Bytes,
    at: usize,
    flexible: bool,
    /// What the message may still make us allocate.
    memory: usize,
}

/// Where a section of tagged fields stands.
pub struct Tags {
    left: u32,
    tag: u32,
    /// Where the current field ends; `None` before the first.
    end: Option<usize>,
}

impl<'a> Decoder<'a> {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: &'a Bytes) -> Self {
        let memory = bytes.len().saturating_mul(MEMORY_PER_BYTE).saturating_add(MEMORY_BASE);
        Self { bytes, at: 0, flexible: false, memory }
    }

    /// Reads `bytes` from `at` on, which was reached before with the encodings that `flexible` says.
    pub(crate) fn at(bytes: &'a Bytes, at: usize, flexible: bool) -> Self {
        Self { at, flexible, ..Self::new(bytes) }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Switches to compact encodings or back; returns what was set before.
    pub fn set_flexible(&mut self, flexible: bool) -> bool {
        std::mem::replace(&mut self.flexible, flexible)
    }

    /// An error at this place.
    #[cold]
    pub fn error(&self, field: &'static str, reason: DecodeReason) -> DecodeError {
        DecodeError { field, offset: self.at, reason }
    }

    /// Fails if bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error("end", DecodeReason::Trailing(left))),
        }
    }

    fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        if count > self.remaining() {
            return Err(self.error(field, DecodeReason::Truncated));
        }
        let start = self.at;
        self.at += count;
        Ok(&self.bytes[start..self.at])
    }

    fn array_of<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.error(field, DecodeReason::Truncated)),
        }
    }

    fn charge(&mut self, bytes: usize, field: &'static str) -> Result<(), DecodeError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(self.error(field, DecodeReason::TooLarge)),
        }
    }

    /// Any byte but zero is true.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        self.array_of::<1>(field).map(|[byte]| byte != 0)
    }

    /// An unsigned varint.
    pub fn varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        match varint::get_u32(&self.bytes[self.at..]) {
            Varint::Value(value, length) => {
                self.at += length;
                Ok(value)
            }
            Varint::Truncated => Err(self.error(field, DecodeReason::Truncated)),
            Varint::TooLong => Err(self.error(field, DecodeReason::LongVarint)),
        }
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        self.array_of::<16>(field).map(Uuid)
    }

    /// A length that may be null; `short` means two bytes where encodings are not compact.
    fn length(&mut self, short: bool, field: &'static str) -> Result<Option<usize>, DecodeError> {
        let length = if self.flexible {
            i64::from(self.varint(field)?) - 1
        } else if short {
            i64::from(self.i16(field)?)
        } else {
            i64::from(self.i32(field)?)
        };
        match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            Err(_) => Err(self.error(field, DecodeReason::NegativeLength(length as i32))),
        }
    }

    /// A string that may be null, as the bytes of the buffer.
    pub fn str_slice(&mut self, field: &'static str) -> Result<Option<&'a str>, DecodeError> {
        let Some(length) = self.length(true, field)? else { return Ok(None) };
        if length > TEXT_MAX {
            return Err(self.error(field, DecodeReason::LongText(u32::try_from(length).unwrap_or(u32::MAX))));
        }
        let bytes = self.take(length, field)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| self.error(field, DecodeReason::NotUtf8))
    }

    /// A string.
    pub fn string(&mut self, field: &'static str) -> Result<String, DecodeError> {
        self.nullable_string(false, field).map(Option::unwrap_or_default)
    }

    /// A string that is null only where that is `allowed`.
    pub fn nullable_string(&mut self, allowed: bool, field: &'static str) -> Result<Option<String>, DecodeError> {
        match self.str_slice(field)? {
            Some(text) => Ok(Some(text.to_owned())),
            None => self.null(allowed, field),
        }
    }

    /// Bytes, sharing the buffer.
    pub fn bytes(&mut self, field: &'static str) -> Result<Bytes, DecodeError> {
        self.nullable_bytes(false, field).map(Option::unwrap_or_default)
    }

    /// Bytes that are null only where that is `allowed`.
    pub fn nullable_bytes(&mut self, allowed: bool, field: &'static str) -> Result<Option<Bytes>, DecodeError> {
        match self.length(false, field)? {
            None => self.null(allowed, field),
            Some(length) => {
                self.take(length, field)?;
                Ok(Some(self.bytes.slice(self.at - length..self.at)))
            }
        }
    }

    /// A list's count, checked against the bytes that are left: no element takes less than one.
    pub fn count(&mut self, field: &'static str) -> Result<Option<usize>, DecodeError> {
        match self.length(false, field)? {
            Some(count) if count > self.remaining() => {
                Err(self.error(field, DecodeReason::CountBeyondEnd(u32::try_from(count).unwrap_or(u32::MAX))))
            }
            count => Ok(count),
        }
    }

    /// A list.
    pub fn array<T: Element>(&mut self, version: i16, field: &'static str) -> Result<Vec<T>, DecodeError> {
        self.nullable_array(false, version, field).map(Option::unwrap_or_default)
    }

    /// A list that is null only where that is `allowed`.
    pub fn nullable_array<T: Element>(
        &mut self,
        allowed: bool,
        version: i16,
        field: &'static str,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.count(field)? else { return self.null(allowed, field) };
        self.charge(count.saturating_mul(size_of::<T>()), field)?;
        let mut elements = Vec::with_capacity(count.min(FIRST_ROOM));
        for _ in 0..count {
            elements.push(T::read_element(self, version, field)?);
        }
        Ok(Some(elements))
    }

    /// A structure that is null only where that is `allowed`: a byte says so.
    pub fn nullable_structure<T: Fields>(
        &mut self,
        allowed: bool,
        version: i16,
        field: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        if self.i8(field)? < 0 {
            return self.null(allowed, field);
        }
        let mut structure = T::default();
        structure.read(self, version)?;
        Ok(Some(structure))
    }

    /// A structure in a tagged field that may be null: there a varint says so, 0 or 1.
    pub fn nullable_tagged_structure<T: Fields>(
        &mut self,
        version: i16,
        field: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        if self.varint(field)? == 0 {
            return Ok(None);
        }
        let mut structure = T::default();
        structure.read(self, version)?;
        Ok(Some(structure))
    }

    fn null<T>(&self, allowed: bool, field: &'static str) -> Result<Option<T>, DecodeError> {
        if allowed { Ok(None) } else { Err(self.error(field, DecodeReason::Null)) }
    }

    /// Begins the section of tagged fields, which is empty where encodings are not flexible.
    pub fn tags(&mut self) -> Result<Tags, DecodeError> {
        let left = if self.flexible { self.varint("tags")? } else { 0 };
        Ok(Tags { left, tag: 0, end: None })
    }

    /// Steps to the next tagged field, having checked that the last one was as long as it said.
    pub fn next_tag(&mut self, tags: &mut Tags) -> Result<Option<u32>, DecodeError> {
        if tags.end.is_some_and(|end| end != self.at) {
            return Err(self.error("tags", DecodeReason::TagLength(tags.tag)));
        }
        if tags.left == 0 {
            return Ok(None);
        }
        let tag = self.varint("tags")?;
        if tags.end.is_some() && tag <= tags.tag {
            return Err(self.error("tags", DecodeReason::TagOrder(tag)));
        }
        let length = self.varint("tags")? as usize;
        if length > self.remaining() {
            return Err(self.error("tags", DecodeReason::Truncated));
        }
        *tags = Tags { left: tags.left - 1, tag, end: Some(self.at + length) };
        Ok(Some(tag))
    }

    /// Passes over a tagged field that this version does not know.
    pub fn skip_tag(&mut self, tags: &Tags) {
        self.at = tags.end.unwrap_or(self.at);
    }

    /// Passes over a whole section of tagged fields.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        let mut tags = self.tags()?;
        while self.next_tag(&mut tags)?.is_some() {
            self.skip_tag(&tags);
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($number:ident)*) => {
        impl Decoder<'_> {
            $(
                /// A big-endian number.
                pub fn $number(&mut self, field: &'static str) -> Result<$number, DecodeError> {
                    self.array_of(field).map($number::from_be_bytes)
                }
            )*
        }
    };
}

numbers! { i8 i16 i32 i64 u16 u32 f64 }
