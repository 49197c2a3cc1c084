//! `snapwarden ec2 serve`: the embedded EC2 as an endpoint, for the AWS CLI, boto3, the AWS SDK and anybody's tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use snapwarden_core::schedule::Slot;
use snapwarden_ec2sim::World;
use snapwarden_ec2sim::http::{Clock, ServeOptions, serve};

use crate::args::{ServeArgs, ServeClock};
use crate::{demo, inventory, output};

/// Serves until it is interrupted.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<u8> {
    let now = args.now.unwrap_or_else(Timestamp::now);
    let world = fleet(&args.fleet, args.seed, now)?;
    let options = ServeOptions {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        clock: match args.clock {
            ServeClock::Running => Clock::Running,
            ServeClock::Stopped => Clock::Stopped,
        },
        // Scripts read the one line on stdout; it is there when connections are accepted.
        ready: Box::new(|address| {
            let _ = output::print(&format!("http://{address}\n"));
        }),
        notice: Box::new(output::warn),
        ..ServeOptions::default()
    };
    output::warn(&format!("the embedded EC2 begins at {}; end it with Ctrl-C", Slot::containing(now)));
    serve(world, options).context("the embedded EC2 could not be served")?;
    Ok(0)
}

/// The made-up account of the demo, or what a dump shows.
fn fleet(fleet: &str, seed: u64, now: Timestamp) -> anyhow::Result<World> {
    if fleet == "sample" {
        return World::from_toml(seed, now, demo::FLEET).context("the sample fleet");
    }
    Ok(World::from_inventory(seed, &inventory::read_dump(Path::new(fleet), now, None)?))
}
