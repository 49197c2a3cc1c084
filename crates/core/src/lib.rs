//! The decisions of Snapwarden, as pure functions over data.
//!
//! An [`inventory::Inventory`] says what was seen and what could not be seen. A planner ([`plan`]) turns it into a
//! [`decision::Plan`] with exactly one [`decision::Decision`] per subject, each with its reason. [`check`] reads the
//! finished plan against the safety rules in other words than the planners'. Nothing here asks a clock, draws a random
//! number, reads the environment or a file: the same inventory gives the same plan, byte for byte.

// S10: this machine's clock is not asked here (clippy.toml).
#![warn(clippy::disallowed_methods)]

pub mod approval;
pub mod check;
pub mod decision;
pub mod ids;
pub mod index;
pub mod inventory;
pub mod lint;
pub mod managed;
mod near;
pub mod plan;
pub mod policy;
pub mod preview;
pub mod printable;
pub mod report;
pub mod retention;
pub mod schedule;
pub mod tags;
