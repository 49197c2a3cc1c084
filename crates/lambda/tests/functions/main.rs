//! The functions as Lambda runs them: the real binaries as child processes, a Lambda Runtime API of our own on one side
//! of them and an embedded EC2 on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails loudly, helpers included")]

mod deadline;
mod docs;
mod events;
mod jobs;
mod lambda;
