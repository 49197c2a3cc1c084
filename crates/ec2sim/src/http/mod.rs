//! EC2's Query protocol over HTTP: the world as an endpoint for the AWS SDK, the AWS CLI and boto3.
//!
//! Only on loopback, one request at a time, no signature checked: it stands in for EC2 on one machine and is never to be
//! reached from another. The Region is that of the request's credential scope, as with EC2's own signature; who calls
//! is asked of [`ServeOptions::who`]. The XML, its codes and statuses are EC2's, for GetCallerIdentity STS's.
//!
//! Where the world says that it was never reached, or that its answer is lost, the connection is closed without one:
//! over a socket that was accepted, the two look alike. `Date` is the world's clock.
//!
//! # Local requests
//!
//! Beside the protocol, under `/_snapwarden/`, what only an EC2 that is not real can do. A POST has JSON of type
//! `application/json`; so no web page that is open in a browser can send one unasked. Answers are JSON; what is wrong
//! is said in `{"error": "..."}` with status 400, 404, 405 or 415.
//!
//! | Request | Body | What it does |
//! |---|---|---|
//! | `GET world` | | everything as it truly is: an inventory |
//! | `GET calls` | | the calls made so far: `[{"region", "action", "count"}]` |
//! | `GET clock` | | `{"now", "clock", "next_event"}` |
//! | `POST clock` | `{"advance_seconds": 60}` or `{"to": "2026-11-22T04:00:00Z"}` | moves the clock, never back; answers as `GET` |
//! | `POST region` | `{"region", "out": true, "encryption_by_default": true}` | takes a Region out; encrypts its new copies |
//! | `POST key` | `{"region" or "volume", "broken": true}` | copies to it, or of it, fail for want of their KMS key |
//! | `POST permission` | `{"action", "region", "allowed": false}` | withdraws an action from everybody; no region means all |
//! | `POST fault` | `{"region", "action", "subject", "fault" or "answer", "count"}` | the next calls go wrong so: `throttled`, `never_connected`, `error_before`, `error_after`, `lost_before`, `lost_after`; or `{"status", "code", "message"}` |
//! | `POST config` | any of `page_size`, `empty_pages`, `broken_pages`, `rate_limits`, `snapshots_max`, `lag_max_s`, `snapshot_errors`, `set_errors`, `copy_errors`, `base_s`, `per_gib_s`, `copy_factor`, and the six faults | changes [`crate::Config`]; what goes wrong by itself is in thousandths |

mod background;
mod build;
mod clock;
mod door;
mod local;
mod params;
mod read;
mod write;
mod xml;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::call::{ApiError, Principal};
use crate::face::Sim;
use crate::world::World;
pub use background::Background;
pub use clock::Clock;
use door::{Answer, Asked, Callers, Door};
pub use read::decode;

/// Bytes of a request's body, at most. The largest that EC2 takes, 1,000 ids and 50 tags, has some 100 KiB.
const BODY_MAX: usize = 1 << 20;
/// Bytes of a request's head, at most: a presigned URL may carry every tag of a copy.
const HEAD_MAX: usize = 1 << 17;
/// How long the server waits after it could not accept a connection, so that it does not spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Tells from an access key who calls.
pub type Who = Box<dyn Fn(&str, &World) -> Result<Principal, ApiError> + Send>;

/// How to serve.
pub struct ServeOptions {
    /// Where: on loopback. Port 0 takes any that is free.
    pub address: SocketAddr,
    /// How the world's time goes.
    pub clock: Clock,
    /// Who calls; none takes every access key for the account's owner.
    pub who: Option<Who>,
    /// Told the address once connections are accepted.
    pub ready: Box<dyn FnOnce(SocketAddr) + Send>,
    /// Told what a client cannot be told: why a connection was closed without an answer.
    pub notice: Box<dyn Fn(&str) + Send>,
    /// Ends the serving.
    pub shutdown: Shutdown,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Clock::Running,
            who: None,
            ready: Box::new(|_| ()),
            notice: Box::new(|_| ()),
            shutdown: Shutdown::default(),
        }
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("address", &self.address)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// Ends one [`serve`], from any thread, before or after it began.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Notify>);

impl Shutdown {
    /// Ends it now; answers that are not sent yet are not sent any more.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// Why nothing was served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not on loopback.
    #[error("{0} is not a loopback address: the embedded EC2 checks no signature and must not be reached from outside")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The runtime did not start.
    #[error("cannot start the server")]
    Runtime(#[source] io::Error),
}

/// Serves the world until it is told to stop, and gives it back.
pub fn serve(world: World, options: ServeOptions) -> Result<World, ServeError> {
    let ServeOptions { address, clock, who, ready, notice, shutdown } = options;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let sim = Sim::new(world);
    let callers = who.map_or(Callers::Anybody, Callers::Told);
    let door = Rc::new(RefCell::new(Door::new(sim.clone(), clock, callers, notice)));
    let tasks = LocalSet::new();
    let served = tasks.block_on(&runtime, async {
        let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
        ready(listener.local_addr().map_err(|error| ServeError::Listen(address, error))?);
        accept(&listener, &door, &shutdown).await;
        Ok(())
    });
    served.map(|()| sim.with(|world| world.clone()))
}

/// Serves a world that somebody on this thread drives (`Sim::drive`), in a `LocalSet`, for as long as this is polled.
/// Each of `callers` is the process with that access key; all stand in one world. Only its driver moves its clock.
pub async fn serve_beside(listener: TcpListener, callers: BTreeMap<String, Sim>) {
    let Some(sim) = callers.values().next().cloned() else { return };
    let door = Door::new(sim, Clock::Stopped, Callers::Known(callers), Box::new(|_| ()));
    accept(&listener, &Rc::new(RefCell::new(door)), &Shutdown::default()).await;
}

async fn accept(listener: &TcpListener, door: &Rc<RefCell<Door>>, shutdown: &Shutdown) {
    let mut stopped = pin!(shutdown.0.notified());
    loop {
        let accepted = poll_fn(|context| match stopped.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => listener.poll_accept(context).map(Some),
        });
        match accepted.await {
            None => return,
            Some(Ok((stream, _))) => {
                tokio::task::spawn_local(connection(stream, Rc::clone(door)));
            }
            Some(Err(error)) => {
                door.borrow().note(&format!("a connection could not be accepted: {error}"));
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, door: Rc<RefCell<Door>>) {
    // Small answers go out at once; where that cannot be had they only come a little later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, Rc::clone(&door)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // What a client does to its own connection is its own affair, and closing one is how an answer is lost.
    drop(served);
}

async fn respond(request: Request<Incoming>, door: Rc<RefCell<Door>>) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => None,
        Err(error) => return Err(io::Error::other(error)),
    };
    let header =
        |name: &str| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let asked = Asked {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        authorization: header("authorization"),
        content_type: header("content-type"),
        body: body.as_deref(),
    };
    let answer = door.borrow_mut().answer(&asked).ok_or_else(|| io::Error::other("closed without an answer"))?;
    response(answer).map_err(io::Error::other)
}

fn response(answer: Answer) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    Response::builder()
        .status(answer.status)
        .header("content-type", answer.content_type)
        .header("date", answer.date)
        .header("x-amzn-requestid", answer.request_id)
        .body(Full::new(Bytes::from(answer.body)))
}
