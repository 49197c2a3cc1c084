//! `snapwarden preview`: what a policy will have kept, on any day of the next two years.

mod args;
mod picture;
mod show;
mod words;

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::day_of;
use snapwarden_core::inventory::{Instance, Inventory, Read, RegionInventory};
use snapwarden_core::policy::{InstancePolicy, Selection};
use snapwarden_core::preview::{self, Counts, Moment, Preview, Rules, Scene};
use snapwarden_core::printable::quoted;
use snapwarden_core::retention::Retention;
use snapwarden_core::schedule::{Schedule, Slot};
use snapwarden_core::tags::{Tags, key};

pub(crate) use self::args::PreviewArgs;
use crate::inventory::{self, Seen, list};
use crate::output::{self, warn};
use crate::render::clean;

/// Some of what there is could not be read.
const EXIT_GAP: u8 = 2;

/// Prints a preview; what comes back is the exit code.
pub(crate) fn run(args: &PreviewArgs) -> anyhow::Result<u8> {
    if !args.tag.is_empty() {
        let now = args.now.unwrap_or_else(Timestamp::now);
        if args.now.is_none() {
            inventory::warn_of_clock(now);
        }
        show_one(args, &Subject::of_tags(args, now)?, now)?;
        return Ok(0);
    }
    let seen = inventory::look(&[Job::Create, Job::Offsite, Job::Expire], &args.source(), &args.account)?;
    if args.all {
        show_all(args, &seen)?;
    } else {
        show_one(args, &Subject::of_instance(args, &seen)?, seen.inventory.taken_at)?;
    }
    Ok(if seen.inventory.regions.values().any(has_gap) { EXIT_GAP } else { 0 })
}

fn show_one(args: &PreviewArgs, subject: &Subject, now: Timestamp) -> anyhow::Result<()> {
    let until = last_day(now);
    if let Some(day) = args.on.iter().find(|day| **day < day_of(now) || **day > until) {
        bail!("{day} lies outside of the preview, which goes from {} to {until}", day_of(now));
    }
    let lived = Lived::of(args, subject, now);
    if let Some(path) = &args.picture {
        let drawn = picture::draw(path, &lived);
        std::fs::write(path, drawn).with_context(|| format!("{} could not be written", path.display()))?;
    }
    let page = lived.page(args);
    if args.json { output::print_json(&page) } else { output::print(&show::text(&page)) }
}

fn show_all(args: &PreviewArgs, seen: &Seen) -> anyhow::Result<()> {
    let config = args.config();
    let mut pages = Vec::new();
    for (region, instance) in instances(&seen.inventory).filter(|(region, _)| seen.regions.contains(region)) {
        let policy = InstancePolicy::of(instance, region, &seen.inventory, &config);
        let is_selected = instance.state.is_backed_up() && policy.selection == Selection::Selected;
        if is_selected {
            let subject = Subject::of(args, &seen.inventory, region, instance);
            pages.push(Lived::of(args, &subject, seen.inventory.taken_at).page(args));
        }
    }
    if args.json { output::print_json(&pages) } else { output::print(&show::all(&pages, seen)) }
}

/// The last day of a preview that begins at `now`.
fn last_day(now: Timestamp) -> Date {
    day_of(now).saturating_add(2.years())
}

/// The days of the table, and how far off they are.
fn days(now: Timestamp) -> [(&'static str, Date); 7] {
    let after = [
        ("today", 0.days()),
        ("in a week", 1.week()),
        ("in a month", 1.month()),
        ("in 3 months", 3.months()),
        ("in 6 months", 6.months()),
        ("in a year", 1.year()),
        ("in 2 years", 2.years()),
    ];
    after.map(|(words, span)| (words, day_of(now).saturating_add(span)))
}

fn has_gap(seen: &RegionInventory) -> bool {
    let RegionInventory { instances, volumes, snapshots } = seen;
    matches!(instances, Read::Gap { .. })
        || matches!(volumes, Read::Gap { .. })
        || matches!(snapshots, Read::Gap { .. })
}

fn instances(inventory: &Inventory) -> impl Iterator<Item = (&Region, &Instance)> {
    inventory.regions.iter().flat_map(|(region, seen)| seen.instances.items().iter().map(move |one| (region, one)))
}

/// Whose future is shown.
struct Subject {
    /// In words.
    name: String,
    instance: Option<String>,
    tags: Tags,
    scene: Scene,
    /// Where sources and copies are kept by policies of their own: whether copies are shown.
    of_copies: Option<bool>,
    /// What a reader should know beside it.
    notes: Vec<String>,
}

impl Subject {
    fn of_tags(args: &PreviewArgs, now: Timestamp) -> anyhow::Result<Self> {
        let mut tags = Tags::default();
        args.tag.iter().for_each(|pair| pair.apply(&mut tags));
        let name = "A volume without a history".to_owned();
        let scene = Scene::of_tags(&tags, now, &args.config()).context("no account can be made up")?;
        let of_copies = of_copies(args, &tags);
        Ok(Self { name, instance: None, tags, scene, of_copies, notes: Vec::new() })
    }

    fn of_instance(args: &PreviewArgs, seen: &Seen) -> anyhow::Result<Self> {
        let inventory = &seen.inventory;
        let id = args.instance.as_ref().context("no instance is named")?;
        let Some((region, instance)) = instances(inventory).find(|(_, instance)| instance.id == *id) else {
            let searched = list(inventory.regions.keys());
            bail!("{id} was not found among the instances of {searched}; check the id, or {}", seen.more);
        };
        if !instance.state.is_backed_up() {
            bail!("{id} is {}: nothing more is made of it", instance.state.as_str());
        }
        let subject = Self::of(args, inventory, region, instance);
        if subject.scene.volumes().is_empty() {
            bail!("{id} has no volume that is backed up");
        }
        Ok(subject)
    }

    fn of(args: &PreviewArgs, inventory: &Inventory, region: &Region, instance: &Instance) -> Self {
        let config = args.config();
        let policy = InstancePolicy::of(instance, region, inventory, &config);
        policy.findings(region, instance.id.as_str()).iter().for_each(|finding| warn(&finding.to_string()));
        let of_copies = of_copies(args, &instance.tags);
        let name = instance.tags.get(key::NAME).filter(|name| !name.is_empty());
        let name = name.map_or_else(String::new, |name| format!(" {}", quoted(name)));
        Self {
            name: format!("{}{name} in {region}", instance.id),
            instance: Some(instance.id.to_string()),
            tags: instance.tags.clone(),
            scene: Scene::of(inventory, region, instance, &config),
            of_copies,
            notes: words::notes(&policy, args.copies, of_copies.is_some()),
        }
    }
}

/// Whether copies are shown, where the tags, as they are or as they are to be, ask for a policy of their own for copies.
fn of_copies(args: &PreviewArgs, tags: &Tags) -> Option<bool> {
    let is_apart = |tags: &Tags| Rules::of(tags, true, &args.config()).policy.copies.is_some();
    (is_apart(tags) || is_apart(&changed(args, tags)) || args.copies).then_some(args.copies)
}

/// The tags as `--change` makes them.
fn changed(args: &PreviewArgs, tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    args.change.iter().for_each(|pair| pair.apply(&mut tags));
    tags
}

/// Two years, lived through.
struct Lived<'a> {
    subject: &'a Subject,
    now: Timestamp,
    variants: Vec<Variant>,
    /// As the last variant, but that a person approves at once what waits.
    approved: Option<Preview>,
}

/// The future under one set of tags.
struct Variant {
    name: String,
    rules: Rules,
    preview: Preview,
}

impl<'a> Lived<'a> {
    fn of(args: &PreviewArgs, subject: &'a Subject, now: Timestamp) -> Self {
        let config = args.config();
        let live = |tags: &Tags, approves| {
            Preview::of(&subject.scene.with_tags(tags), last_day(now), subject.of_copies, approves)
        };
        let variant = |name: String, tags: &Tags| Variant {
            name,
            preview: live(tags, false),
            rules: Rules::of(tags, args.copies, &config),
        };
        let mut variants = vec![variant("As it is".to_owned(), &subject.tags)];
        let mut approved = None;
        if !args.change.is_empty() {
            let tags = changed(args, &subject.tags);
            variants.push(variant(format!("With {}", list(&args.change)), &tags));
            approved = Some(live(&tags, true));
        }
        Self { subject, now, variants, approved }
    }

    /// What it is about.
    fn heading(&self) -> String {
        let Subject { name, instance, scene, .. } = self.subject;
        let as_of = Slot::containing(self.now);
        if instance.is_none() {
            return format!("{name}, as of {as_of}");
        }
        let (volumes, existing) =
            (words::count(scene.volumes().len(), "volume"), words::count(self.existing(), "snapshot"));
        format!("{}: {volumes}, {existing} now, as of {as_of}", clean(name))
    }

    /// How many snapshots there are; of one slot and volume one.
    fn existing(&self) -> usize {
        let as_is = self.variants.iter().take(1).flat_map(|variant| variant.preview.moments());
        as_is.filter(|moment| !moment.is_to_come).count()
    }

    fn page(&self, args: &PreviewArgs) -> Page {
        Page {
            heading: self.heading(),
            name: self.subject.name.clone(),
            instance: self.subject.instance.clone(),
            volumes: self.subject.scene.volumes().len(),
            existing: self.existing(),
            as_of: self.now,
            until: last_day(self.now),
            notes: self.subject.notes.clone(),
            variants: self.variants.iter().map(|variant| self.view(variant, args)).collect(),
            moved: self.moved(),
        }
    }

    fn view(&self, variant: &Variant, args: &PreviewArgs) -> View {
        let Variant { name, rules, preview } = variant;
        let row = |(when, day)| Row { day, when, counts: counts(preview, day) };
        let is_made_now = |moment: &Moment| moment.is_to_come && moment.made == self.now;
        let made_now = preview.moments().find(|moment| is_made_now(moment));
        View {
            name: name.clone(),
            days: days(self.now).map(row).into(),
            policy: rules.policy.clone(),
            keeps: words::policy(rules),
            schedule: rules.schedule.clone(),
            next: rules.schedule.slots_after(self.now).take(3).collect(),
            made_now: made_now.map(|moment| moment.slot),
            on: args.on.iter().map(|day| Listing { day: *day, snapshots: self.listing(preview, *day) }).collect(),
        }
    }

    fn listing(&self, preview: &Preview, day: Date) -> Vec<Kept> {
        let kept = |(moment, whys): (&Moment, Vec<preview::Why>)| Kept {
            volume: self.subject.instance.is_some().then(|| moment.volume.clone()),
            snapshot: (!moment.is_to_come).then(|| moment.snapshot.clone()),
            slot: moment.slot,
            made: Slot::containing(moment.made),
            age_days: usize::try_from((day - day_of(moment.made)).get_days()).unwrap_or(0),
            kept_by: whys.iter().map(ToString::to_string).collect(),
            goes: moment.goes,
        };
        preview.on(day).into_iter().map(kept).collect()
    }

    /// The snapshots that exist and go on another day, alike ones together.
    fn moved(&self) -> Vec<MovedRow> {
        let ([as_is, changed], Some(approved)) = (&self.variants[..], &self.approved) else { return Vec::new() };
        let mut rows: BTreeMap<_, usize> = BTreeMap::new();
        for moved in preview::moved(&as_is.preview, &changed.preview, approved) {
            let key = (moved.moment.slot, moved.as_is, moved.changed, moved.approved, moved.is_lost());
            *rows.entry(key).or_default() += 1;
        }
        let row = |((slot, as_is, changed, approved, is_lost), snapshots)| MovedRow {
            slot,
            snapshots,
            as_is,
            changed,
            approved,
            is_lost,
        };
        rows.into_iter().map(row).collect()
    }
}

fn counts(preview: &Preview, day: Date) -> Counts {
    Counts::of(&preview.on(day))
}

/// All that a preview says.
#[derive(Serialize)]
struct Page {
    #[serde(skip)]
    heading: String,
    #[serde(skip)]
    name: String,
    instance: Option<String>,
    volumes: usize,
    existing: usize,
    as_of: Timestamp,
    until: Date,
    notes: Vec<String>,
    variants: Vec<View>,
    /// Of those that exist, what goes on another day when the tags are changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moved: Vec<MovedRow>,
}

/// What is said of one set of tags.
#[derive(Serialize)]
struct View {
    name: String,
    days: Vec<Row>,
    policy: Retention,
    /// The policy in a sentence.
    keeps: String,
    schedule: Schedule,
    next: Vec<Slot>,
    /// The slot that has begun and is made up for at once.
    made_now: Option<Slot>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on: Vec<Listing>,
}

/// How many there are at the end of a day.
#[derive(Serialize)]
struct Row {
    day: Date,
    #[serde(skip)]
    when: &'static str,
    #[serde(flatten)]
    counts: Counts,
}

/// What there is at the end of a day.
#[derive(Serialize)]
struct Listing {
    day: Date,
    snapshots: Vec<Kept>,
}

#[derive(Serialize)]
struct Kept {
    volume: Option<VolumeId>,
    /// None for one that is to come.
    snapshot: Option<SnapshotId>,
    slot: Slot,
    made: Slot,
    age_days: usize,
    kept_by: Vec<String>,
    /// None where that is after the preview's last day.
    goes: Option<Date>,
}

/// Snapshots of one slot that go on another day when tags are changed.
#[derive(Serialize)]
struct MovedRow {
    slot: Slot,
    snapshots: usize,
    as_is: Option<Date>,
    changed: Option<Date>,
    approved: Option<Date>,
    is_lost: bool,
}
