//! The real jobs on the embedded EC2: what they call, what they leave when they are killed, what they refuse to delete.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod budget;
mod closing;
mod converge;
mod faults;
mod killed;
mod life;
mod marks;
mod policies;
mod predecessor;
mod refused;
mod regions;
mod second_look;
mod streams;
mod support;
mod tiers;
mod unknown;
