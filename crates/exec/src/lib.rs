//! Runs a job: collect → plan → check → execute → report, over one seam.
//!
//! One attempt, call again: a run looks, decides, acts once per item and reports. It may stop anywhere, and the next one
//! takes up what is left. Nothing here knows what stands behind the seam, and the seam's clock is the only clock.

// S10: this machine's clock is not asked here (clippy.toml).
#![warn(clippy::disallowed_methods)]

pub mod cloud;
pub mod collect;
pub mod execute;
pub mod pacing;
pub mod run;
