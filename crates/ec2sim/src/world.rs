//! The world itself: its clock, its one entrance ([`World::call`]) and the log of what was asked of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, InstanceId, Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;

use crate::building::Built;
use crate::call::{Action, ApiError, Call, Principal, Reply};
use crate::config::{Config, LAG_MAX_S};
use crate::faults::{Fault, KmsOrder, Ordered, Orders, internal_error};
use crate::keys;
use crate::limits::{self, Buckets};
use crate::state::RegionState;

/// The process that calls is killed at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// At which, counted from 0 since the stop was set.
    pub at_call: u64,
    /// The call still happens and its reply never comes; or it never happens.
    pub effect: bool,
}

/// How a call ended, as its caller saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// EC2 answered with an error, or did not answer.
    Failed(ApiError),
    /// The caller was killed before the reply.
    Killed,
}

/// One call in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, by the world's clock.
    pub at: Timestamp,
    /// Where.
    pub region: Region,
    /// What.
    pub action: Action,
    /// The ids that it was about.
    pub subjects: Vec<String>,
    /// How its caller saw it end.
    pub outcome: Outcome,
    /// Whether it was truly done, whatever the caller saw.
    pub effect: bool,
    /// The snapshots that it truly made.
    pub made: Vec<SnapshotId>,
    /// The snapshot that it truly deleted, as it was.
    pub deleted: Option<Snapshot>,
}

/// What a call did.
pub(crate) struct Effect {
    pub(crate) reply: Reply,
    pub(crate) deleted: Option<Snapshot>,
}

impl From<Reply> for Effect {
    fn from(reply: Reply) -> Self {
        Self { reply, deleted: None }
    }
}

/// Where an action is done, for whom, and which attempt of the same call it is.
pub(crate) struct Context<'a> {
    pub(crate) owner: &'a AccountId,
    pub(crate) region: &'a Region,
    pub(crate) attempt: u64,
}

/// What happens by itself at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A snapshot stops being pending.
    Ends(SnapshotId),
    /// A deleted snapshot is no longer shown.
    Unshown(SnapshotId),
    /// A terminated instance is no longer shown.
    InstanceUnshown(InstanceId),
}

/// An EC2 that lives in memory.
#[derive(Debug, Clone)]
pub struct World {
    /// How it behaves.
    pub config: Config,
    pub(crate) seed: u64,
    pub(crate) account: AccountId,
    pub(crate) regions: BTreeMap<Region, RegionState>,
    /// Why the list of Regions is not known.
    pub(crate) regions_unread: Option<String>,
    pub(crate) orders: Orders,
    /// What calls with a client token answered: the same call again makes nothing again.
    pub(crate) tokens: BTreeMap<(Region, Action, String), Built>,
    now: Timestamp,
    due: BTreeSet<(Timestamp, Region, Due)>,
    attempts: BTreeMap<u64, u64>,
    buckets: Buckets,
    log: Vec<Entry>,
    counts: BTreeMap<(Region, Action), u64>,
    stop: Option<Stop>,
    calls_since_stop: u64,
    killed: bool,
}

impl World {
    /// An empty account with these Regions.
    pub fn new(seed: u64, now: Timestamp, account: AccountId, regions: impl IntoIterator<Item = Region>) -> Self {
        Self {
            config: Config::default(),
            seed,
            account,
            regions: regions.into_iter().map(|region| (region, RegionState::default())).collect(),
            regions_unread: None,
            orders: Orders::default(),
            tokens: BTreeMap::new(),
            now,
            due: BTreeSet::new(),
            attempts: BTreeMap::new(),
            buckets: Buckets::default(),
            log: Vec::new(),
            counts: BTreeMap::new(),
            stop: None,
            calls_since_stop: 0,
            killed: false,
        }
    }

    /// The account that owns everything here.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The world's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock to `time`, and lets happen what is due until then, in its order. Time never moves back.
    pub fn advance_to(&mut self, time: Timestamp) {
        while self.due.first().is_some_and(|(at, ..)| *at <= time) {
            if let Some((at, region, due)) = self.due.pop_first() {
                self.now = self.now.max(at);
                self.happen(&region, due);
            }
        }
        self.now = self.now.max(time);
    }

    /// [`World::advance_to`], by seconds.
    pub fn advance_by(&mut self, seconds: u32) {
        self.advance_to(keys::later(self.now, i64::from(seconds)));
    }

    pub(crate) fn schedule(&mut self, at: Timestamp, region: &Region, due: Due) {
        self.due.insert((at, region.clone(), due));
    }

    pub(crate) fn first_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, ..)| *at)
    }

    fn happen(&mut self, region: &Region, due: Due) {
        match due {
            Due::Ends(snapshot) => self.end_pending(region, &snapshot),
            Due::Unshown(snapshot) => {
                if let Some(state) = self.regions.get_mut(region) {
                    state.snapshots.remove(&snapshot);
                }
            }
            Due::InstanceUnshown(instance) => {
                if let Some(state) = self.regions.get_mut(region) {
                    state.instances.remove(&instance);
                }
            }
        }
    }

    /// Makes one call: the only way in, for every face.
    pub fn call(&mut self, principal: &Principal, region: &Region, call: Call) -> Result<Reply, ApiError> {
        let stop = self.stop.filter(|stop| stop.at_call == self.calls_since_stop);
        self.calls_since_stop += 1;
        self.killed |= stop.is_some_and(|stop| !stop.effect);
        if self.killed {
            return Err(ApiError::NoAnswer("the process was killed".to_owned()));
        }
        let (action, subjects) = (call.action(), call.subjects());
        let key = call_key(region, &call, &subjects);
        let attempt = self.next_attempt(key);
        *self.counts.entry((region.clone(), action)).or_default() += 1;

        let (result, effect) = self.serve(principal, region, call, key, attempt);
        let (effect, made, deleted) = match effect {
            Some(effect) => (true, effect.made, effect.deleted),
            None => (false, Vec::new(), None),
        };
        self.killed = stop.is_some();
        let outcome = match &result {
            _ if self.killed => Outcome::Killed,
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.clone()),
        };
        self.log.push(Entry { at: self.now, region: region.clone(), action, subjects, outcome, effect, made, deleted });
        if self.killed { Err(ApiError::NoAnswer("the process was killed".to_owned())) } else { result }
    }

    /// What the caller sees, and what was truly done.
    fn serve(
        &mut self,
        principal: &Principal,
        region: &Region,
        call: Call,
        key: u64,
        attempt: u64,
    ) -> (Result<Reply, ApiError>, Option<Done>) {
        let fault = match self.before(principal, region, &call, key, attempt) {
            Ok(fault) => fault,
            Err(error) => return (Err(error), None),
        };
        let context = Context { owner: &principal.account, region, attempt };
        let effect = match self.perform(&context, call) {
            Ok(effect) => effect,
            Err(error) => return (Err(hidden_by(fault).unwrap_or(error)), None),
        };
        let done = Done { made: effect.reply.made(), deleted: effect.deleted };
        (hidden_by(fault).map_or(Ok(effect.reply), Err), Some(done))
    }

    /// All that can keep a call from being done, in EC2's order; or the fault that hides its reply.
    fn before(
        &mut self,
        principal: &Principal,
        region: &Region,
        call: &Call,
        key: u64,
        attempt: u64,
    ) -> Result<Option<Fault>, ApiError> {
        let action = call.action();
        self.reach(region, action)?;
        let fault = match self.orders.take(region, action, &call.subjects()) {
            Some(Ordered::Answer(error)) => return Err(error),
            Some(Ordered::Fault(fault)) => Some(fault),
            None => {
                let (key, attempt) = (key.to_string(), attempt.to_string());
                self.config.faults_of(region).drawn(|name| keys::hash(self.seed, &["fault", name, &key, &attempt]))
            }
        };
        match fault {
            Some(Fault::NeverConnected) => return Err(ApiError::NeverConnected("connection refused".to_owned())),
            Some(Fault::Throttled) => return Err(limits::throttled()),
            Some(Fault::ErrorBefore) => return Err(internal_error()),
            Some(Fault::LostBefore) => return Err(no_reply()),
            Some(Fault::ErrorAfter | Fault::LostAfter) | None => {}
        }
        if self.config.rate_limits {
            self.buckets.take(region, action, call.is_bare(), self.now)?;
        }
        self.allow(principal, region, call)?;
        Ok(fault)
    }

    /// Whether the endpoint can be reached, and whether anything is known of the listing.
    fn reach(&self, region: &Region, action: Action) -> Result<(), ApiError> {
        let Some(state) = self.regions.get(region) else {
            return Err(ApiError::NeverConnected(format!("there is no endpoint for {region}")));
        };
        if state.out {
            return Err(ApiError::NeverConnected(format!("{region} does not answer")));
        }
        let unlisted = if action == Action::DescribeRegions { self.regions_unread.as_ref() } else { None };
        match unlisted.or(state.unread.get(&action)) {
            Some(why) => Err(ApiError::NeverConnected(why.clone())),
            None => Ok(()),
        }
    }

    fn allow(&self, principal: &Principal, region: &Region, call: &Call) -> Result<(), ApiError> {
        let unauthorized = |more: &str| {
            let message = format!("You are not authorized to perform this operation.{more}");
            Err(ApiError::answer(403, "UnauthorizedOperation", message))
        };
        let action = call.action();
        if principal.deny.contains(&action) || self.orders.is_withdrawn(region, action) {
            return unauthorized("");
        }
        let Some(policy) = &principal.policy else { return Ok(()) };
        match self.needs(region, call).iter().find(|need| !policy.allows(need)) {
            Some(need) => unauthorized(&format!(" No policy allows {} on {}", need.action, need.arn)),
            None => Ok(()),
        }
    }

    /// A dry run: whether the caller may make the call. It always answers with an error, as EC2 does.
    pub fn dry_run(&mut self, principal: &Principal, region: &Region, call: &Call) -> ApiError {
        let action = call.action();
        *self.counts.entry((region.clone(), action)).or_default() += 1;
        let allowed = self.reach(region, action).and_then(|()| self.allow(principal, region, call));
        let would = "Request would have succeeded, but DryRun flag is set.";
        allowed.err().unwrap_or_else(|| ApiError::answer(412, "DryRunOperation", would))
    }

    fn perform(&mut self, context: &Context<'_>, call: Call) -> Result<Effect, ApiError> {
        match call {
            Call::GetCallerIdentity => Ok(Reply::Account(context.owner.clone()).into()),
            Call::DescribeRegions => Ok(Reply::Regions(self.regions.keys().cloned().collect()).into()),
            Call::DescribeInstances(page) => self.describe_instances(context, &page),
            Call::DescribeVolumes(page) => self.describe_volumes(context, &page),
            Call::DescribeSnapshots(listing) => self.describe_snapshots(context, &listing),
            Call::CreateSnapshot { volume, description, tags } => {
                self.create_snapshot(context, &volume, &description, &tags)
            }
            Call::CreateSnapshots(request) => self.create_snapshots(context, &request),
            Call::CopySnapshot { request, encrypted, presigned } => {
                self.copy_snapshot(context, &request, encrypted, presigned)
            }
            Call::DeleteSnapshot { snapshot } => self.delete_snapshot(context, &snapshot),
            Call::CreateTags { resources, tags } => self.create_tags(context, &resources, &tags),
            Call::DeleteTags { resources, keys } => self.delete_tags(context, &resources, &keys),
            Call::DeleteTagsWhere { resources, tags } => self.delete_tags_where(context, &resources, &tags),
            Call::Find(find) => self.find(context, &find),
            Call::Build(build) => self.build(context, build),
        }
    }

    /// How often `key` was used before.
    pub(crate) fn next_attempt(&mut self, key: u64) -> u64 {
        let next = self.attempts.entry(key).or_default();
        *next += 1;
        *next - 1
    }

    /// Seconds until a change is seen, by the seed.
    pub(crate) fn lag_s(&self, parts: &[&str]) -> i64 {
        let bound = u64::from(self.config.lag_max_s.min(LAG_MAX_S));
        i64::try_from(keys::hash(self.seed, parts) % (bound + 1)).unwrap_or(0)
    }

    pub(crate) fn state(&self, region: &Region) -> Result<&RegionState, ApiError> {
        self.regions.get(region).ok_or_else(|| no_region(region))
    }

    pub(crate) fn state_mut(&mut self, region: &Region) -> Result<&mut RegionState, ApiError> {
        self.regions.get_mut(region).ok_or_else(|| no_region(region))
    }

    /// The calls made so far.
    pub fn counts(&self) -> &BTreeMap<(Region, Action), u64> {
        &self.counts
    }

    /// The log of the calls made so far.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Takes the log and begins a new one.
    pub fn take_log(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.log)
    }

    /// From now on the calling process is killed at a call; or, with none, a new process begins.
    pub fn set_stop(&mut self, stop: Option<Stop>) {
        self.stop = stop;
        self.calls_since_stop = 0;
        self.killed = false;
    }

    /// Whether the calling process was killed.
    pub fn is_killed(&self) -> bool {
        self.killed
    }

    /// The calls since [`World::set_stop`].
    pub fn calls_since_stop(&self) -> u64 {
        self.calls_since_stop
    }

    /// Takes a Region out, or brings it back: while it is out, nothing there can be reached.
    pub fn set_out(&mut self, region: &Region, out: bool) -> Result<(), ApiError> {
        self.state_mut(region)?.out = out;
        Ok(())
    }

    pub(crate) fn is_out(&self, region: &Region) -> bool {
        self.regions.get(region).is_some_and(|state| state.out)
    }

    /// Encrypts every new copy in a Region, asked or not.
    pub fn set_encryption_by_default(&mut self, region: &Region, on: bool) -> Result<(), ApiError> {
        self.state_mut(region)?.encrypts_by_default = on;
        Ok(())
    }

    /// Withdraws an action from everybody, in one Region or in all.
    pub fn withdraw(&mut self, region: Option<&Region>, action: Action) {
        self.orders.withdrawn.insert((region.cloned(), action));
    }

    /// Gives it back.
    pub fn grant(&mut self, region: Option<&Region>, action: Action) {
        self.orders.withdrawn.remove(&(region.cloned(), action));
    }

    /// The next call of `action` in `region` that is about `subject` (or about anything) ends so.
    pub fn order(&mut self, region: &Region, action: Action, subject: Option<&str>, what: Ordered) {
        self.orders.add(region.clone(), action, subject.map(str::to_owned), what);
    }

    /// Copies begun while this stands fail in the end, with KMS's message.
    pub fn break_key(&mut self, which: KmsOrder) {
        self.orders.kms.insert(which);
    }

    /// Copies begun from now on find their key again.
    pub fn mend_key(&mut self, which: &KmsOrder) {
        self.orders.kms.remove(which);
    }
}

/// What was truly done by a call.
struct Done {
    made: Vec<SnapshotId>,
    deleted: Option<Snapshot>,
}

/// What names a call, so that its attempts can be counted and its faults drawn.
fn call_key(region: &Region, call: &Call, subjects: &[String]) -> u64 {
    let page = call.page().and_then(|page| page.next.as_deref()).unwrap_or_default();
    let mut parts = vec![region.as_str(), call.action().as_str(), page];
    parts.extend(subjects.iter().map(String::as_str));
    keys::hash(0, &parts)
}

/// The error that hides the reply of a call that was done.
fn hidden_by(fault: Option<Fault>) -> Option<ApiError> {
    match fault? {
        Fault::ErrorAfter | Fault::ErrorBefore => Some(internal_error()),
        Fault::LostAfter | Fault::LostBefore => Some(no_reply()),
        Fault::Throttled | Fault::NeverConnected => None,
    }
}

fn no_reply() -> ApiError {
    ApiError::NoAnswer("the connection was closed before a reply came".to_owned())
}

fn no_region(region: &Region) -> ApiError {
    ApiError::NeverConnected(format!("there is no endpoint for {region}"))
}
