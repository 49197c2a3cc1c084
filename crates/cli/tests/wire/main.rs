//! The command as a process of its own, talking through the AWS SDK to an embedded EC2 on loopback, or to nobody.
//!
//! Whatever depends on how far a run has got is hung on the calls that the server has seen, never on time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails loudly, helpers included")]

mod account;
mod killed;
mod people;
mod rules;
mod server;
mod trouble;
