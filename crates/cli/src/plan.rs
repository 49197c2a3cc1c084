//! `snapwarden plan`: what a job would do now.

use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::check::Violation;
use snapwarden_core::decision::{Job, Plan};
use snapwarden_core::ids::Region;
use snapwarden_core::policy::Config;
use snapwarden_core::report::exit_code_of_plan;
use snapwarden_exec::run::decide;

use crate::args::{PlanArgs, PlanJob};
use crate::inventory::{self, Seen};
use crate::{output, render};

/// Prints the plan of a job.
pub(crate) fn run(job: &PlanJob) -> anyhow::Result<u8> {
    match job {
        PlanJob::Create { plan, defaults, slot } => {
            show(Job::Create, plan, &Config { slot: *slot, ..defaults.config() })
        }
        PlanJob::Offsite { plan } => show(Job::Offsite, plan, &Config::default()),
        PlanJob::Expire { plan, wishes } => show(Job::Expire, plan, &wishes.config()),
    }
}

fn show(job: Job, args: &PlanArgs, config: &Config) -> anyhow::Result<u8> {
    let Seen { inventory, regions, .. } = inventory::look(&[job], &args.source, &args.account)?;
    let (plan, violations) = decide(job, &inventory, &regions, config)?;
    warn_of_idle(&config.approvals, &regions);
    if args.json {
        warn_of_held(&plan, &violations);
        output::print_json(&plan)?;
    } else {
        output::print(&render::plan(&plan, &violations, render::Options { only_changes: args.only_changes }))?;
    }
    Ok(exit_code_of_plan(&plan, &violations))
}

/// An approval of a Region that is not planned is most likely a slip of the fingers.
pub(crate) fn warn_of_idle(approvals: &[Approval], regions: &[Region]) {
    for approval in approvals {
        match &approval.what {
            Approved::Region(region) | Approved::Closed(region) if !regions.contains(region) => {
                output::warn(&format!("--approve {approval} approves nothing: {region} is not planned here"));
            }
            Approved::Region(_) | Approved::Closed(_) | Approved::Instance(_) => {}
        }
    }
}

/// stdout has the JSON alone; that something was held back is said all the same.
pub(crate) fn warn_of_held(plan: &Plan, violations: &[Violation]) {
    plan.holds.iter().for_each(|hold| output::warn(&format!("held: {hold}")));
    violations.iter().for_each(|violation| output::warn(&format!("UNSAFE, dropped: {violation}")));
}
