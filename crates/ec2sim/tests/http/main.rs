//! The HTTP face over a real loopback socket, by a client of a few lines: what goes over the wire, byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod building;
mod client;
mod hostile;
mod listing;
mod local;
mod parity;
mod snapshots;
