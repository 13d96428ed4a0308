//! Variable-length numbers: seven bits a byte, lowest first, the eighth says that more follow.

/// The bytes that `value` takes.
pub const fn size_u32(value: u32) -> usize {
    // Seven bits a byte; zero takes one byte too.
    (38 - (value | 1).leading_zeros() as usize) / 7
}

/// Puts `value` into the front of `out` and returns how many bytes it took.
pub fn put_u32(out: &mut [u8; 5], mut value: u32) -> usize {
    let mut at = 0;
    while value >= 0x80 {
        out[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8;
    at + 1
}

/// What stands at the front of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varint {
    /// A value, and the bytes it took.
    Value(u32, usize),
    /// Only the beginning of one.
    Truncated,
    /// More than 32 bits.
    TooLong,
}

/// Reads a number from the front of `bytes`.
pub fn get_u32(bytes: &[u8]) -> Varint {
    let mut value = 0_u32;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        let bits = u32::from(byte & 0x7f);
        if at == 4 && (bits > 0x0f || byte & 0x80 != 0) {
            return Varint::TooLong;
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Varint::Value(value, at + 1);
        }
    }
    Varint::Truncated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_as_many_bytes_as_they_need() {
        for shift in 0..32 {
            for value in [1_u32 << shift, (1_u32 << shift) - 1, u32::MAX >> shift] {
                let mut out = [0; 5];
                let length = put_u32(&mut out, value);
                assert_eq!(length, size_u32(value), "{value}");
                assert_eq!(get_u32(&out[..length]), Varint::Value(value, length));
                assert_eq!(get_u32(&out[..length - 1]), Varint::Truncated);
            }
        }
    }

    #[test]
    fn more_than_32_bits_are_refused() {
        assert_eq!(get_u32(&[0xff, 0xff, 0xff, 0xff, 0x10]), Varint::TooLong);
        assert_eq!(get_u32(&[0x80, 0x80, 0x80, 0x80, 0x80]), Varint::TooLong);
        assert_eq!(get_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Varint::Value(u32::MAX, 5));
    }
}
