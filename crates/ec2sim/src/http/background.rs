//! A server on a thread of its own, for whoever drives it from the same process: tests, and simulated lives.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use snapwarden_core::inventory::Inventory;

use super::{ServeError, ServeOptions, Shutdown, serve};
use crate::world::World;

/// How long a local request may take; everything is on this machine.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A server that ends when this is dropped.
#[derive(Debug)]
pub struct Background {
    address: SocketAddr,
    shutdown: Shutdown,
    thread: Option<JoinHandle<Result<World, ServeError>>>,
}

impl Background {
    /// Starts it, and returns when connections are accepted. `options.ready` is told the address too.
    pub fn start(world: World, options: ServeOptions) -> Result<Self, ServeError> {
        let (send, receive) = mpsc::channel();
        let shutdown = options.shutdown.clone();
        let told = options.ready;
        let ready = Box::new(move |address| {
            told(address);
            // Nobody listens any more only where the caller is gone.
            let _ = send.send(address);
        });
        let thread = std::thread::spawn(move || serve(world, ServeOptions { ready, ..options }));
        match receive.recv() {
            Ok(address) => Ok(Self { address, shutdown, thread: Some(thread) }),
            // It ended before it was ready, and says why.
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                Ok(Ok(_)) | Err(_) => ServeError::Runtime(io::Error::other("the server ended before it was ready")),
            }),
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint as the AWS CLI takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A local request (see the table of [`super`]): GET without a body, POST with one. An answer that is not 200 is an
    /// error with its text.
    pub fn local(&self, name: &str, body: Option<&Value>) -> io::Result<Value> {
        let (method, body) = body.map_or(("GET", String::new()), |body| ("POST", body.to_string()));
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let length = body.len();
        let head = format!(
            "{method} /_snapwarden/{name} HTTP/1.1\r\nHost: ec2\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(serde_json::from_str(body)?),
            Some(_) | None => Err(io::Error::other(format!("{name}: {answer}"))),
        }
    }

    /// Everything as it truly is.
    pub fn world(&self) -> io::Result<Inventory> {
        Ok(serde_json::from_value(self.local("world", None)?)?)
    }

    /// Ends it, and gives the world back.
    pub fn stop(mut self) -> Result<World, ServeError> {
        self.shutdown.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        let gone = || ServeError::Runtime(io::Error::other("the server's thread is gone"));
        ended.ok_or_else(gone)?.map_err(|_| gone())?
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shutdown.stop();
    }
}
