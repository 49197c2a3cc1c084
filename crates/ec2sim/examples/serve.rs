//! The embedded EC2 as a server of its own, for tests by other programs: `serve FLEET.toml NOW`. Its clock is stopped;
//! it prints its address, and ends when its standard input does.

use std::io::{Read, Write};

use snapwarden_ec2sim::World;
use snapwarden_ec2sim::http::{Clock, ServeOptions, Shutdown, serve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (fleet, now) = (args.next().ok_or("name a fleet's file")?, args.next().ok_or("name the time")?);
    let world = World::from_toml(1, now.parse()?, &std::fs::read_to_string(fleet)?)?;
    let shutdown = Shutdown::default();
    let options = ServeOptions {
        clock: Clock::Stopped,
        ready: Box::new(|address| {
            println!("http://{address}");
            // Whoever waits for the line has gone if it cannot be written.
            let _ = std::io::stdout().flush();
        }),
        notice: Box::new(|what| eprintln!("{what}")),
        shutdown: shutdown.clone(),
        ..ServeOptions::default()
    };
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        shutdown.stop();
    });
    serve(world, options)?;
    Ok(())
}
