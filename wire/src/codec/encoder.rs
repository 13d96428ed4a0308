//! The writer.

use super::{Element, EncodeError, EncodeReason, Fields, TEXT_MAX, varint};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Appends primitive values to a buffer. The first value that cannot be written is remembered; see
/// [`Encoder::finish`].
#[derive(Default)]
pub struct Encoder {
    out: Vec<u8>,
    flexible: bool,
    error: Option<EncodeError>,
}

/// A section of tagged fields: where its count stands.
#[derive(Clone, Copy)]
pub struct TagSection(usize);

/// A tagged field being written: where its value begins.
pub struct Tag(usize);

impl Encoder {
    /// Into an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Into an empty buffer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Behind what `out` holds.
    pub fn append_to(out: Vec<u8>) -> Self {
        Self { out, ..Self::default() }
    }

    /// How many bytes the buffer holds.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What was written, or the first value that could not be.
    pub fn finish(self) -> Result<Bytes, EncodeError> {
        self.finish_vec().map(Bytes::from)
    }

    /// As [`Encoder::finish`], for those who keep the buffer.
    pub fn finish_vec(self) -> Result<Vec<u8>, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    /// Switches to compact encodings or back; returns what was set before.
    pub fn set_flexible(&mut self, flexible: bool) -> bool {
        std::mem::replace(&mut self.flexible, flexible)
    }

    /// Remembers that `field` has a value that `version` has no place for.
    #[cold]
    pub fn cannot_carry(&mut self, field: &'static str, version: i16) {
        self.fail(field, EncodeReason::CannotCarry(version));
    }

    #[cold]
    fn fail(&mut self, field: &'static str, reason: EncodeReason) {
        self.error.get_or_insert(EncodeError { field, reason });
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Overwrites four bytes that were written before with a length.
    pub fn patch_length(&mut self, at: usize, length: usize) {
        match i32::try_from(length) {
            Ok(length) => self.out[at..at + 4].copy_from_slice(&length.to_be_bytes()),
            Err(_) => self.fail("frame", EncodeReason::TooLong(length)),
        }
    }

    /// One byte.
    pub fn bool(&mut self, value: bool) {
        self.out.push(value.into());
    }

    /// An unsigned varint.
    pub fn varint(&mut self, value: u32) {
        let mut bytes = [0; 5];
        let length = varint::put_u32(&mut bytes, value);
        self.raw(&bytes[..length]);
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.raw(&value.0);
    }

    /// A length; `short` means a text's: two bytes where encodings are not compact.
    fn length(&mut self, length: Option<usize>, short: bool, field: &'static str) {
        let limit = if short { TEXT_MAX } else { i32::MAX as usize - 1 };
        if length.is_some_and(|length| length > limit) {
            return self.fail(field, EncodeReason::TooLong(length.unwrap_or_default()));
        }
        match (self.flexible, length) {
            (true, length) => self.varint(length.map_or(0, |length| length as u32 + 1)),
            (false, length) if short => self.i16(length.map_or(-1, |length| length as i16)),
            (false, length) => self.i32(length.map_or(-1, |length| length as i32)),
        }
    }

    /// The length in front of `records` or `bytes`, for those who write the bytes elsewhere.
    pub fn bytes_length(&mut self, length: Option<usize>, field: &'static str) {
        self.length(length, false, field);
    }

    /// The count in front of a list's elements.
    pub fn count(&mut self, count: usize, field: &'static str) {
        self.length(Some(count), false, field);
    }

    fn null(&mut self, allowed: bool, field: &'static str) {
        if !allowed {
            self.fail(field, EncodeReason::Null);
        }
    }

    /// A string.
    pub fn string(&mut self, value: &str, field: &'static str) {
        self.nullable_string(true, Some(value), field);
    }

    /// A string that is null only where that is `allowed`.
    pub fn nullable_string(&mut self, allowed: bool, value: Option<&str>, field: &'static str) {
        self.length(value.map(str::len), true, field);
        match value {
            Some(text) => self.raw(text.as_bytes()),
            None => self.null(allowed, field),
        }
    }

    /// Bytes with their length.
    pub fn bytes(&mut self, value: &[u8], field: &'static str) {
        self.nullable_bytes(true, Some(value), field);
    }

    /// Bytes that are null only where that is `allowed`.
    pub fn nullable_bytes(&mut self, allowed: bool, value: Option<&[u8]>, field: &'static str) {
        self.length(value.map(<[u8]>::len), false, field);
        match value {
            Some(bytes) => self.raw(bytes),
            None => self.null(allowed, field),
        }
    }

    /// A list.
    pub fn array<T: Element>(&mut self, elements: &[T], version: i16, field: &'static str) {
        self.count(elements.len(), field);
        for element in elements {
            element.write_element(self, version, field);
        }
    }

    /// A list that is null only where that is `allowed`.
    pub fn nullable_array<T: Element>(
        &mut self,
        allowed: bool,
        elements: &Option<Vec<T>>,
        version: i16,
        field: &'static str,
    ) {
        match elements {
            Some(elements) => self.array(elements, version, field),
            None => {
                self.length(None, false, field);
                self.null(allowed, field);
            }
        }
    }

    /// A structure that is null only where that is `allowed`: a byte says so.
    pub fn nullable_structure<T: Fields>(
        &mut self,
        allowed: bool,
        structure: &Option<T>,
        version: i16,
        field: &'static str,
    ) {
        match structure {
            Some(structure) => {
                self.i8(1);
                structure.write(self, version);
            }
            None => {
                self.i8(-1);
                self.null(allowed, field);
            }
        }
    }

    /// A structure in a tagged field that may be null: there a varint says so, 0 or 1.
    pub fn nullable_tagged_structure<T: Fields>(&mut self, structure: &Option<T>, version: i16) {
        self.varint(structure.is_some().into());
        if let Some(structure) = structure {
            structure.write(self, version);
        }
    }

    /// Begins the section of tagged fields; nothing where encodings are not flexible.
    pub fn tags(&mut self) -> TagSection {
        let at = self.out.len();
        if self.flexible {
            self.out.push(0);
        }
        TagSection(at)
    }

    /// A section of tagged fields without any.
    pub fn no_tags(&mut self) {
        self.tags();
    }

    /// Begins a tagged field; tags ascend, and fewer than 128 of them exist.
    pub fn begin_tag(&mut self, section: TagSection, tag: u32) -> Tag {
        debug_assert!(self.flexible, "a tag where encodings are not flexible");
        self.out[section.0] += 1;
        self.varint(tag);
        Tag(self.out.len())
    }

    /// Ends a tagged field: puts its length in front of it.
    pub fn end_tag(&mut self, tag: Tag) {
        let mut bytes = [0; 5];
        let length = varint::put_u32(&mut bytes, (self.out.len() - tag.0) as u32);
        self.out.splice(tag.0..tag.0, bytes[..length].iter().copied());
    }
}

macro_rules! numbers {
    ($($number:ident)*) => {
        impl Encoder {
            $(
                /// A big-endian number.
                pub fn $number(&mut self, value: $number) {
                    self.raw(&value.to_be_bytes());
                }
            )*
        }
    };
}

numbers! { i8 i16 i32 i64 u16 u32 f64 }
