//! What can be wrong with bytes we were sent, and with values we were asked to send.

use std::fmt;

/// The sender's fault: these bytes are no such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The field that could not be read, or the message's name.
    pub field: &'static str,
    /// How far into the bytes the reader was.
    pub offset: usize,
    /// What is wrong.
    pub reason: DecodeReason,
}

/// What is wrong with bytes we were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeReason {
    /// The bytes end before the field does.
    Truncated,
    /// A length below -1.
    NegativeLength(i32),
    /// A text that is longer than texts may be.
    LongText(u32),
    /// A list of more elements than bytes are left.
    CountBeyondEnd(u32),
    /// Null where the version allows none.
    Null,
    /// A string that is not UTF-8.
    NotUtf8,
    /// A varint of more bits than its type has.
    LongVarint,
    /// Tags that do not ascend.
    TagOrder(u32),
    /// A tagged field that is shorter or longer than it says.
    TagLength(u32),
    /// A message that would take many times its own length in memory.
    TooLarge,
    /// A version that the message does not have.
    UnsupportedVersion(i16),
    /// Bytes after the end of the message.
    Trailing(usize),
    /// A type or magic number that means nothing here.
    Unknown(i16),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: ", self.field, self.offset)?;
        match self.reason {
            DecodeReason::Truncated => f.write_str("the bytes end within it"),
            DecodeReason::NegativeLength(length) => write!(f, "length {length}"),
            DecodeReason::LongText(length) => write!(f, "a text of {length} bytes"),
            DecodeReason::CountBeyondEnd(count) => write!(f, "{count} elements, more than bytes are left"),
            DecodeReason::Null => f.write_str("null, which this version does not allow"),
            DecodeReason::NotUtf8 => f.write_str("not UTF-8"),
            DecodeReason::LongVarint => f.write_str("a varint that does not end"),
            DecodeReason::TagOrder(tag) => write!(f, "tag {tag} is out of order"),
            DecodeReason::TagLength(tag) => write!(f, "tag {tag} has another length than it says"),
            DecodeReason::TooLarge => f.write_str("it would take too much memory"),
            DecodeReason::UnsupportedVersion(version) => write!(f, "unsupported version {version}"),
            DecodeReason::Trailing(count) => write!(f, "{count} bytes too many"),
            DecodeReason::Unknown(number) => write!(f, "unknown type {number}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Our own fault: this value cannot be sent in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The field that could not be written, or the message's name.
    pub field: &'static str,
    /// What is wrong.
    pub reason: EncodeReason,
}

/// What is wrong with a value we were asked to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeReason {
    /// It means something and this version has no place for it.
    CannotCarry(i16),
    /// Null where the version allows none.
    Null,
    /// Longer than its length can say.
    TooLong(usize),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            EncodeReason::CannotCarry(version) => write!(f, "version {version} cannot carry {}", self.field),
            EncodeReason::Null => write!(f, "{} must not be null", self.field),
            EncodeReason::TooLong(length) => write!(f, "{} is too long ({length})", self.field),
        }
    }
}

impl std::error::Error for EncodeError {}
