//! The requests beside the protocol, which only an EC2 that is not real can have: JSON, under `/_snapwarden/`.
//!
//! They are listed in the header of [`crate::http`]. What is not understood is refused: a fault that silently was not
//! switched on would make a test prove nothing.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snapwarden_core::ids::{Region, VolumeId};

use super::clock::Timer;
use crate::call::{Action, ApiError};
use crate::config::Config;
use crate::faults::{Fault, KmsOrder, Ordered};
use crate::world::World;

/// Where they are.
pub(super) const PATH: &str = "/_snapwarden/";
/// The furthest that one request moves the clock: a hundred years.
const ADVANCE_MAX_S: u32 = 3_155_760_000;

/// What is wrong with a local request: HTTP's status, and a sentence.
type Refusal = (u16, String);

/// Answers a local request: HTTP's status and JSON.
pub(super) fn answer(world: &mut World, timer: &mut Timer, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    match dispatch(world, timer, method, path, body) {
        Ok(value) => (200, value),
        Err((status, what)) => (status, json!({ "error": what })),
    }
}

fn dispatch(world: &mut World, timer: &mut Timer, method: &str, path: &str, body: &[u8]) -> Result<Value, Refusal> {
    let name = path.strip_prefix(PATH).unwrap_or_default();
    match (method, name) {
        ("GET", "world") => serde_json::to_value(world.truth()).map_err(|error| (500, error.to_string())),
        ("GET", "calls") => Ok(calls(world)),
        ("GET", "clock") => Ok(clock(world, timer)),
        ("POST", "clock") => move_clock(world, timer, parse(body)?),
        ("POST", "region") => set_region(world, parse(body)?),
        ("POST", "key") => set_key(world, parse(body)?),
        ("POST", "permission") => set_permission(world, parse(body)?),
        ("POST", "fault") => order_fault(world, parse(body)?),
        ("POST", "config") => set_config(world, parse(body)?),
        (_, "world" | "calls" | "clock" | "region" | "key" | "permission" | "fault" | "config") => {
            Err((405, format!("{method} is not for {path}")))
        }
        _ => Err((404, format!("there is no {path}"))),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| bad(error.to_string()))
}

fn bad(what: impl Into<String>) -> Refusal {
    (400, what.into())
}

fn calls(world: &World) -> Value {
    let counts = world.counts().iter();
    counts.map(|((region, action), n)| json!({ "region": region, "action": action.as_str(), "count": n })).collect()
}

fn clock(world: &World, timer: &Timer) -> Value {
    let next_event = world.next_event().map(|at| at.to_string());
    json!({ "now": world.now().to_string(), "clock": timer.clock.as_str(), "next_event": next_event })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveClock {
    advance_seconds: Option<u32>,
    to: Option<Timestamp>,
}

fn move_clock(world: &mut World, timer: &mut Timer, order: MoveClock) -> Result<Value, Refusal> {
    let to = match (order.advance_seconds, order.to) {
        (Some(seconds), None) if seconds <= ADVANCE_MAX_S => crate::keys::later(world.now(), i64::from(seconds)),
        (Some(_), None) => return Err(bad(format!("advance_seconds is more than {ADVANCE_MAX_S}"))),
        (None, Some(to)) if to >= world.now() => to,
        (None, Some(to)) => return Err(bad(format!("{to} is past: it is {}, and time never moves back", world.now()))),
        (Some(_), Some(_)) | (None, None) => return Err(bad("give either advance_seconds or to")),
    };
    world.advance_to(to);
    timer.set(world.now());
    Ok(clock(world, timer))
}

fn known<'a>(world: &World, region: &'a Region) -> Result<&'a Region, Refusal> {
    let is_known = world.regions().any(|known| known == region);
    if is_known { Ok(region) } else { Err(bad(format!("{region} is not a Region of this account"))) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRegion {
    region: Region,
    out: Option<bool>,
    encryption_by_default: Option<bool>,
}

fn set_region(world: &mut World, order: SetRegion) -> Result<Value, Refusal> {
    known(world, &order.region)?;
    if let Some(out) = order.out {
        world.set_out(&order.region, out).map_err(refused)?;
    }
    if let Some(on) = order.encryption_by_default {
        world.set_encryption_by_default(&order.region, on).map_err(refused)?;
    }
    Ok(json!({}))
}

fn refused(error: ApiError) -> Refusal {
    bad(error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetKey {
    region: Option<Region>,
    volume: Option<VolumeId>,
    broken: bool,
}

fn set_key(world: &mut World, order: SetKey) -> Result<Value, Refusal> {
    let which = match (order.region, order.volume) {
        (Some(region), None) => KmsOrder::Destination(known(world, &region)?.clone()),
        (None, Some(volume)) => KmsOrder::Volume(volume),
        (Some(_), Some(_)) | (None, None) => return Err(bad("give either region or volume")),
    };
    if order.broken {
        world.break_key(which)
    } else {
        world.mend_key(&which)
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPermission {
    action: String,
    region: Option<Region>,
    allowed: bool,
}

fn action(name: &str) -> Result<Action, Refusal> {
    name.parse().map_err(|_| bad(format!("{name:?} is no action here")))
}

fn set_permission(world: &mut World, order: SetPermission) -> Result<Value, Refusal> {
    let (action, region) = (action(&order.action)?, order.region.as_ref());
    if let Some(region) = region {
        known(world, region)?;
    }
    if order.allowed {
        world.grant(region, action)
    } else {
        world.withdraw(region, action)
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultName {
    Throttled,
    NeverConnected,
    ErrorBefore,
    ErrorAfter,
    LostBefore,
    LostAfter,
}

impl FaultName {
    fn fault(&self) -> Fault {
        match self {
            FaultName::Throttled => Fault::Throttled,
            FaultName::NeverConnected => Fault::NeverConnected,
            FaultName::ErrorBefore => Fault::ErrorBefore,
            FaultName::ErrorAfter => Fault::ErrorAfter,
            FaultName::LostBefore => Fault::LostBefore,
            FaultName::LostAfter => Fault::LostAfter,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerWith {
    status: u16,
    code: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFault {
    region: Region,
    action: String,
    subject: Option<String>,
    fault: Option<FaultName>,
    answer: Option<AnswerWith>,
    count: Option<u32>,
}

fn order_fault(world: &mut World, order: OrderFault) -> Result<Value, Refusal> {
    let (region, action) = (known(world, &order.region)?, action(&order.action)?);
    let what = match (order.fault, order.answer) {
        (Some(name), None) => Ordered::Fault(name.fault()),
        (None, Some(answer)) if (400..600).contains(&answer.status) => {
            Ordered::Answer(ApiError::answer(answer.status, &answer.code, answer.message))
        }
        (None, Some(answer)) => return Err(bad(format!("{} is not the status of an error", answer.status))),
        (Some(_), Some(_)) | (None, None) => return Err(bad("give either fault or answer")),
    };
    let count = order.count.unwrap_or(1);
    if count > 1_000 {
        return Err(bad("count is more than 1000"));
    }
    for _ in 0..count {
        world.order(region, action, order.subject.as_deref(), what.clone());
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetConfig {
    page_size: Option<usize>,
    empty_pages: Option<u16>,
    broken_pages: Option<u16>,
    rate_limits: Option<bool>,
    snapshots_max: Option<usize>,
    lag_max_s: Option<u32>,
    snapshot_errors: Option<u16>,
    set_errors: Option<u16>,
    copy_errors: Option<u16>,
    base_s: Option<u32>,
    per_gib_s: Option<u32>,
    copy_factor: Option<u32>,
    throttled: Option<u16>,
    never_connected: Option<u16>,
    error_before: Option<u16>,
    error_after: Option<u16>,
    lost_before: Option<u16>,
    lost_after: Option<u16>,
}

fn set_config(world: &mut World, order: SetConfig) -> Result<Value, Refusal> {
    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    let Config { page_size, empty_pages, broken_pages, rate_limits, snapshots_max, lag_max_s, .. } = &mut world.config;
    set(page_size, order.page_size);
    set(empty_pages, order.empty_pages);
    set(broken_pages, order.broken_pages);
    set(rate_limits, order.rate_limits);
    set(snapshots_max, order.snapshots_max);
    set(lag_max_s, order.lag_max_s);
    let Config { durations, snapshot_errors, set_errors, copy_errors, faults, .. } = &mut world.config;
    set(snapshot_errors, order.snapshot_errors);
    set(set_errors, order.set_errors);
    set(copy_errors, order.copy_errors);
    set(&mut durations.base_s, order.base_s);
    set(&mut durations.per_gib_s, order.per_gib_s);
    set(&mut durations.copy_factor, order.copy_factor);
    set(&mut faults.throttled, order.throttled);
    set(&mut faults.never_connected, order.never_connected);
    set(&mut faults.error_before, order.error_before);
    set(&mut faults.error_after, order.error_after);
    set(&mut faults.lost_before, order.lost_before);
    set(&mut faults.lost_after, order.lost_after);
    Ok(json!({}))
}
