//! Ids as types of their own, so that a volume's id cannot stand where a snapshot's is meant.
//!
//! Ids come from outside (AWS, dumps, the command line): they are checked once, here, for shape and length.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An id that does not have the shape of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct IdError {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// What an id of this kind looks like.
    pub expected: &'static str,
}

/// The longest id of any kind that is read. AWS's own have 21 characters or fewer; a Region's name 14 or so.
const ID_LENGTH_MAX: usize = 64;

fn has_shape(text: &str, prefix: &str) -> bool {
    text.len() <= ID_LENGTH_MAX
        && text.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

fn is_region(text: &str) -> bool {
    has_shape(text, "") && text.contains('-') && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $has_shape:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let has_shape: fn(&str) -> bool = $has_shape;
                if has_shape(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { text: text.chars().take(80).collect(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An AWS Region's name, like `eu-west-1`. That it has the shape of a name does not mean that it exists.
    Region, is_region, "a Region's name (like eu-west-1)"
);
id!(
    /// An AWS account's number.
    AccountId, is_account, "an account's number of twelve digits (like 123456789012)"
);
id!(
    /// An instance's id.
    InstanceId, |text| has_shape(text, "i-"), "an instance's id (like i-0123456789abcdef0)"
);
id!(
    /// A volume's id. A copied snapshot has an arbitrary one (`vol-ffffffff`).
    VolumeId, |text| has_shape(text, "vol-"), "a volume's id (like vol-0123456789abcdef0)"
);
id!(
    /// A snapshot's id.
    SnapshotId, |text| has_shape(text, "snap-"), "a snapshot's id (like snap-0123456789abcdef0)"
);
id!(
    /// An AMI's id.
    ImageId, |text| has_shape(text, "ami-"), "an AMI's id (like ami-0123456789abcdef0)"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused_with_what_was_expected() {
        let error = "vol-1".parse::<SnapshotId>().unwrap_err();
        assert_eq!(error.to_string(), r#""vol-1" is not a snapshot's id (like snap-0123456789abcdef0)"#);
    }

    #[test]
    fn hostile_text_is_no_id() {
        for text in ["snap-", "snap-1\n", "snap-\u{1b}[2J", "snap-A", "", &format!("snap-{}", "a".repeat(80))] {
            assert!(text.parse::<SnapshotId>().is_err(), "{text:?}");
        }
        assert!("".parse::<Region>().is_err());
        assert!("eu west 1".parse::<Region>().is_err());
        assert!("dev".parse::<AccountId>().is_err());
        assert!("1234567890123".parse::<AccountId>().is_err());
    }

    #[test]
    fn an_id_that_is_read_back_from_json_is_checked_too() {
        assert_eq!(serde_json::from_str::<VolumeId>(r#""vol-ffffffff""#).unwrap().as_str(), "vol-ffffffff");
        assert!(serde_json::from_str::<VolumeId>(r#""snap-1""#).is_err());
    }
}
