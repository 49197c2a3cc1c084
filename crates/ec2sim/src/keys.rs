//! What looks random is a hash of a seed and of names, so that it does not depend on the order in which calls arrive.

use std::fmt::Write;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// Multiplier of the FNV-1a hash (64 bits).
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The finishing step of SplitMix64: every bit of the input counts for every bit of the result.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number that depends on the seed and on every part, and on where one part ends and the next begins.
pub(crate) fn hash(seed: u64, parts: &[&str]) -> u64 {
    let of_part = |state: u64, part: &&str| {
        mix(part.bytes().fold(state, |state, byte| (state ^ u64::from(byte)).wrapping_mul(FNV_PRIME)))
    };
    parts.iter().fold(mix(seed), of_part)
}

/// An id of AWS's length: 17 hexadecimal digits.
pub(crate) fn id<T: FromStr>(prefix: &str, number: u64) -> T {
    known(&format!("{prefix}-{number:017x}"))
}

/// Reads an id that this crate wrote itself.
pub(crate) fn known<T: FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(id) => id,
        Err(_) => unreachable!("{text} was written here and has the shape of its kind"),
    }
}

/// `time` and `seconds` more; the last time there is where that would lie behind it.
pub(crate) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Text as hexadecimal digits.
pub(crate) fn to_hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Text from hexadecimal digits.
pub(crate) fn from_hex(hex: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    String::from_utf8(digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(1, &["ab", "c"]), hash(1, &["a", "bc"]));
        assert_ne!(hash(1, &["a"]), hash(2, &["a"]));
        assert_eq!(hash(1, &["a"]), hash(1, &["a"]));
    }

    #[test]
    fn hexadecimal_text_comes_back() {
        assert_eq!(from_hex(&to_hex("vol-1|ä")).as_deref(), Some("vol-1|ä"));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
    }
}
