//! One request, from its bytes to its answer, without a socket.

use std::collections::BTreeMap;

use jiff::fmt::rfc2822::DateTimePrinter;
use snapwarden_core::ids::Region;
use snapwarden_core::printable::printable;

use super::clock::{Clock, Timer};
use super::params::Params;
use super::write::About;
use super::{BODY_MAX, Who, local, read, write};
use crate::call::{Action, ApiError};
use crate::face::Sim;
use crate::keys;

/// A request as it came.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) authorization: Option<String>,
    pub(super) content_type: Option<String>,
    /// None where it was too long.
    pub(super) body: Option<&'a [u8]>,
}

/// Who stands behind an access key.
pub(super) enum Callers {
    /// The account's owner, whatever it is.
    Anybody,
    /// Whom this says.
    Told(Who),
    /// Each a process of its own, and nobody else.
    Known(BTreeMap<String, Sim>),
}

/// What goes back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) date: String,
    pub(super) request_id: String,
    pub(super) body: String,
}

/// The world, and what stands around it.
pub(super) struct Door {
    pub(super) sim: Sim,
    timer: Timer,
    callers: Callers,
    notice: Box<dyn Fn(&str) + Send>,
    requests: u64,
}

impl Door {
    pub(super) fn new(sim: Sim, clock: Clock, callers: Callers, notice: Box<dyn Fn(&str) + Send>) -> Self {
        let timer = Timer::new(clock, sim.with(|world| world.now()));
        Self { sim, timer, callers, notice, requests: 0 }
    }

    /// Tells whoever runs the server.
    pub(super) fn note(&self, what: &str) {
        (self.notice)(&printable(what, 300));
    }

    /// The answer; none closes the connection without one.
    pub(super) fn answer(&mut self, asked: &Asked<'_>) -> Option<Answer> {
        self.sim.with(|world| world.advance_to(self.timer.now()));
        self.requests += 1;
        let request_id = request_id(self.requests);
        let (status, content_type, body) = if asked.path.starts_with(local::PATH) {
            let (status, json) = self.local(asked);
            (status, "application/json", json.to_string())
        } else {
            let (status, xml) = self.protocol(asked, &request_id)?;
            (status, "text/xml;charset=UTF-8", xml)
        };
        Some(Answer { status, content_type, date: self.date(), request_id, body })
    }

    /// The world's time as HTTP writes it; without one, no Date is better than a wrong one.
    fn date(&self) -> String {
        DateTimePrinter::new().timestamp_to_rfc9110_string(&self.sim.with(|world| world.now())).unwrap_or_default()
    }

    fn local(&mut self, asked: &Asked<'_>) -> (u16, serde_json::Value) {
        let refuse = |status, what: &str| (status, serde_json::json!({ "error": what }));
        let content_type = asked.content_type.as_deref().unwrap_or_default();
        if asked.method != "GET" && !content_type.starts_with("application/json") {
            return refuse(415, "send JSON, with the header Content-Type: application/json");
        }
        let Some(body) = asked.body else { return refuse(400, "the body is too long") };
        self.sim.with(|world| local::answer(world, &mut self.timer, asked.method, asked.path, body))
    }

    /// EC2's answer: its status and its XML.
    fn protocol(&mut self, asked: &Asked<'_>, request_id: &str) -> Option<(u16, String)> {
        let mut is_sts = false;
        let result = self.act(asked, request_id, &mut is_sts);
        let error = match result {
            Ok(xml) => return Some((200, xml)),
            Err(error) => error,
        };
        match error {
            ApiError::Answer { status, code, message } => {
                Some((status, write::error(is_sts, &code, &message, request_id)))
            }
            ApiError::NeverConnected(why) | ApiError::NoAnswer(why) => {
                self.note(&format!("closed a connection without an answer: {why}"));
                None
            }
        }
    }

    fn act(&mut self, asked: &Asked<'_>, request_id: &str, is_sts: &mut bool) -> Result<String, ApiError> {
        let mut params = params(asked)?;
        let missing = || ApiError::refused("MissingAction", "The request is missing an action.");
        let name = params.text("Action").ok_or_else(missing)?;
        let unknown = || {
            let message = format!("The action {} is not valid for this web service.", printable(&name, 80));
            ApiError::refused("InvalidAction", message)
        };
        let action: Action = name.parse().map_err(|_| unknown())?;
        *is_sts = action == Action::GetCallerIdentity;
        let scope = Scope::of(asked, &mut params)?;
        let caller = self.caller(&scope.access_key)?;
        let region = self.region_for(action, scope.region);
        params.ignore(&["Version"]);
        params.ignore_signature();
        // STS knows no dry run.
        let dry_run = !*is_sts && params.boolean("DryRun")?.unwrap_or(false);
        let call = read::call(action, params, &region)?;
        if dry_run {
            return Err(self.sim.with(|world| world.dry_run(caller.principal(), &region, &call)));
        }
        let reply = caller.arrive(&region, call)?;
        let about = About { action, region: &region, account: &caller.principal().account, request_id };
        Ok(write::reply(&about, reply))
    }

    /// Who calls, at the world.
    fn caller(&self, access_key: &str) -> Result<Sim, ApiError> {
        match &self.callers {
            Callers::Anybody => Ok(self.sim.clone()),
            Callers::Told(who) => Ok(self.sim.with_principal(self.sim.with(|world| who(access_key, world))?)),
            Callers::Known(callers) => callers.get(access_key).cloned().ok_or_else(|| {
                let message = "AWS was not able to validate the provided access credentials";
                ApiError::answer(401, "AuthFailure", message)
            }),
        }
    }

    /// STS is asked in one Region for all of them (us-east-1 where a client knows no better): any stands for it here.
    fn region_for(&self, action: Action, asked: Region) -> Region {
        let regions: Vec<Region> = self.sim.with(|world| world.regions().cloned().collect());
        let is_known = regions.contains(&asked);
        let any = regions.into_iter().next().filter(|_| action == Action::GetCallerIdentity && !is_known);
        any.unwrap_or(asked)
    }
}

/// The parameters of the URL and of the form.
fn params(asked: &Asked<'_>) -> Result<Params, ApiError> {
    let refuse = |message: &str| ApiError::refused("InvalidRequest", message.to_owned());
    let Some(body) = asked.body else {
        return Err(refuse(&format!("The request is longer than {BODY_MAX} bytes.")));
    };
    if asked.path != "/" {
        return Err(refuse("EC2 is at the path / only."));
    }
    let mut params = Params::default();
    params.read(asked.query.as_bytes())?;
    match asked.method {
        "GET" => Ok(params),
        "POST" => params.read(body).map(|()| params),
        _ => Err(refuse("The request must be a GET or a POST.")),
    }
}

/// Who signed, and for which Region (AWS Signature Version 4: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`).
struct Scope {
    access_key: String,
    region: Region,
}

impl Scope {
    fn of(asked: &Asked<'_>, params: &mut Params) -> Result<Self, ApiError> {
        let presigned = params.text("X-Amz-Credential");
        let credential = match (&asked.authorization, presigned) {
            (Some(header), _) => Self::in_header(header).map(str::to_owned),
            (None, Some(presigned)) => Some(presigned),
            (None, None) => {
                let message = "Request is missing Authentication Token";
                return Err(ApiError::answer(403, "MissingAuthenticationToken", message));
            }
        };
        credential.as_deref().and_then(Self::read).ok_or_else(|| {
            let message =
                "The request signature does not conform to AWS standards: its credential scope names no Region.";
            ApiError::refused("IncompleteSignature", message)
        })
    }

    fn in_header(header: &str) -> Option<&str> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256")?;
        rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))
    }

    fn read(credential: &str) -> Option<Self> {
        let mut parts = credential.rsplit('/');
        let (end, _service, region, _date) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access_key = parts.next().filter(|key| !key.is_empty())?.to_owned();
        let region = region.parse().ok().filter(|_| end == "aws4_request")?;
        Some(Self { access_key, region })
    }
}

/// An id of the shape that AWS gives requests. Not of the world: a request that never reached it has one as well.
fn request_id(number: u64) -> String {
    let (high, low) = (keys::hash(number, &["request"]), keys::hash(number, &["of", "ours"]));
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
