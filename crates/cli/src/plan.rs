//! `snapwarden plan`: what a job would do now.

use anyhow::bail;
use snapwarden_core::check::check;
use snapwarden_core::decision::Job;
use snapwarden_core::plan;
use snapwarden_core::policy::Config;
use snapwarden_core::schedule::Slot;

use crate::args::{PlanArgs, PlanJob, SlotChoice};
use crate::{inventory, output, render};

/// Something was held back, by the check or until a person approves it.
const EXIT_HELD_BACK: u8 = 1;

/// Prints the plan of a job.
pub(crate) fn run(job: &PlanJob) -> anyhow::Result<u8> {
    match job {
        PlanJob::Create { plan, defaults, slot } => show(Job::Create, plan, defaults.config(), *slot),
        PlanJob::Offsite { plan } => show(Job::Offsite, plan, Config::default(), None),
        PlanJob::Expire { plan, approve } => {
            let config = Config { approvals: approve.clone(), ..Config::default() };
            show(Job::Expire, plan, config, None)
        }
    }
}

fn show(job: Job, args: &PlanArgs, mut config: Config, slot: Option<SlotChoice>) -> anyhow::Result<u8> {
    let inventory = inventory::load(&args.source)?;
    let regions = inventory::regions(&inventory, &args.region)?;
    let now = Slot::containing(inventory.taken_at);
    config.slot = match slot {
        Some(SlotChoice::At(slot)) if slot > now => {
            bail!("--slot {slot} is after now ({now}); name a past one, or now")
        }
        Some(SlotChoice::At(slot)) => Some(slot),
        Some(SlotChoice::Now) => Some(now),
        None => None,
    };
    for approval in config.approvals.iter().filter(|approval| !regions.contains(&approval.region)) {
        output::warn(&format!("--approve {approval} approves nothing: {} is not planned here", approval.region));
    }
    let plan = plan::plan(job, &inventory, &regions, &config);
    let violations = check(&plan, &inventory, &config);
    let plan = plan.without(&violations);
    if args.json {
        // stdout has the plan alone; that something was held back is said all the same.
        plan.holds.iter().for_each(|hold| output::warn(&format!("held: {hold}")));
        violations.iter().for_each(|violation| output::warn(&format!("UNSAFE, dropped: {violation}")));
        output::print_json(&plan)?;
    } else {
        output::print(&render::plan(&plan, &violations, render::Options { only_changes: args.only_changes }))?;
    }
    Ok(if violations.is_empty() && plan.holds.is_empty() { 0 } else { EXIT_HELD_BACK })
}
