//! EC2 as it is: the [`Cloud`](snapwarden_exec::cloud::Cloud) seam over the AWS SDK, and the only crate that names it.
//!
//! The SDK is held to what the seam promises:
//!
//! - **One request a call.** The SDK would repeat CreateSnapshot after a lost reply and make two snapshots. All its
//!   retries are off, for reads as well: `snapwarden_exec::pacing` repeats, and it alone ([`Aws`]).
//! - **Errors say what is known.** Only a connection that was never made proves that nothing was sent (`errors`).
//! - **Now is EC2's now** (S10): the `Date` header of every answer, moved on by a steady clock ([`Aws`], `clock`).
//! - **A listing that broke off is no short listing** (S7). The SDK reads broken XML as far as it goes and says nothing;
//!   here every answer must be whole (`whole`), and every record must be understood (`records`).
//! - **CopySnapshot carries a PresignedUrl**, which the SDK leaves out and encrypted sources need (`presign`).

mod client;
mod clock;
mod copying;
mod errors;
mod https;
mod people;
mod permission;
mod presign;
mod records;
mod seam;
mod setup;
mod whole;

#[cfg(test)]
mod tests;

pub use client::Aws;
pub use permission::{NOT_A_DRY_RUN, Probe};
pub use setup::{ANSWER_MAX_DEFAULT, Options, SetupError};
