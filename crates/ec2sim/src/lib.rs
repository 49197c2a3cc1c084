//! An EC2 that lives in memory: instances, volumes, snapshots, AWS's limits and AWS's bad days.
//!
//! [`World::call`] is the only implementation of an action; limits, faults, permissions and the log of calls live
//! there, so that every face of the world (the Cloud seam in [`face`], HTTP) meets the same EC2. There is no wall
//! clock (only the HTTP face, a feature of its own, can drive it by one) and no randomness: time moves when
//! [`World::advance_to`] is called, and what looks random is a hash of the seed, the Region, the action, the resource
//! and the attempt. One seed gives one life, whichever face is used.

// S10: this machine's clock is not asked here (clippy.toml).
#![warn(clippy::disallowed_methods)]

mod action;
pub mod building;
pub mod call;
pub mod config;
mod describe;
pub mod drive;
pub mod dump;
pub mod face;
pub mod faults;
mod filters;
pub mod fleet;
#[cfg(feature = "http")]
pub mod http;
mod keys;
pub mod limits;
pub mod listing;
mod load;
pub mod people;
pub mod policy;
pub mod snapshots;
pub mod state;
pub mod tagging;
#[cfg(test)]
mod tests;
pub mod world;

pub use call::{Action, ApiError, Call, PageRequest, Principal, Reply, ResourceId, SnapshotListing};
pub use config::{Config, Durations};
pub use face::Sim;
pub use faults::{Fault, Faults, KmsOrder, Ordered};
pub use fleet::FleetError;
pub use people::{NewInstance, NewVolume};
pub use policy::Policy;
pub use world::{Entry, Outcome, Stop, World};
