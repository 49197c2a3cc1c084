//! The crate against an endpoint that lives in the process: the SDK writes and reads real requests, no socket is opened.
//! `wire` opens sockets on loopback, for what only a connection shows.

mod answers;
mod clock;
mod copies;
mod endpoint;
mod failures;
mod lives;
mod reads;
mod setup;
pub(crate) mod vectors;
mod wire;
mod writes;

use snapwarden_core::ids::Region;
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{Action, Cloud, CloudError};

use self::endpoint::{Endpoint, Reply};
use crate::Aws;

/// Runs a future to its end on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn home() -> Region {
    region("eu-west-1")
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().copied().collect()
}

/// An account that has been asked once, so that EC2's time is known.
fn ready(endpoint: &Endpoint) -> Aws {
    let aws = endpoint.aws();
    endpoint.next(Reply::ok(&answers::account("123456789012")));
    run(aws.account(&home())).unwrap();
    endpoint.forget();
    aws
}

/// How often `action` was counted in the home Region.
fn counted(aws: &Aws, action: Action) -> u64 {
    aws.calls().get(&(home(), action)).copied().unwrap_or(0)
}

fn code<T: std::fmt::Debug>(result: Result<T, CloudError>) -> String {
    result.unwrap_err().code
}
