//! `snapwarden simulate`: lives, one after the other, and what became of them.

use std::collections::BTreeMap;

use serde::Serialize;
use snapwarden_ec2sim::drive::{Lived, Options, live};

use crate::args::SimulateArgs;
use crate::output;
use crate::render::aligned;

/// A rule was broken.
const EXIT_BROKEN: u8 = 2;

/// One life, as `--json` prints it.
#[derive(Serialize)]
struct Life {
    seed: u64,
    days: u32,
    runs: u64,
    created: u64,
    copied: u64,
    deleted: u64,
    calm_ticks: u64,
    fired: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<Broken>,
}

#[derive(Serialize)]
struct Broken {
    rule: &'static str,
    step: u64,
    at: jiff::Timestamp,
    words: String,
    repeat: String,
}

/// Lives them all; what comes back is the exit code.
pub(crate) fn run(args: &SimulateArgs) -> anyhow::Result<u8> {
    let mut lives = Vec::new();
    for seed in (args.seed..).take(usize::try_from(args.runs)?) {
        let kinds = args.faults.as_ref().map(|faults| faults.0.clone());
        let lived = live(&Options { seed, days: args.days, kinds, large: args.large, trace: args.trace });
        if args.trace {
            output::print(&lived.trace)?;
        }
        lives.push(life(args, seed, lived));
    }
    if args.json {
        output::print_json(&lives)?;
    } else {
        output::print(&table(&lives))?;
    }
    Ok(if lives.iter().any(|life| life.broken.is_some()) { EXIT_BROKEN } else { 0 })
}

fn life(args: &SimulateArgs, seed: u64, lived: Lived) -> Life {
    let broken = lived.trouble.map(|trouble| Broken {
        rule: trouble.broken.rule,
        step: trouble.step,
        at: trouble.at,
        words: trouble.broken.words,
        repeat: repeat(args, seed),
    });
    let fired = lived.fired.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let Lived { runs, created, copied, deleted, calm_ticks, .. } = lived;
    Life { seed, days: args.days, runs, created, copied, deleted, calm_ticks, fired, broken }
}

/// The one command that lives this life again.
fn repeat(args: &SimulateArgs, seed: u64) -> String {
    let mut words = format!("snapwarden simulate --seed {seed} --days {}", args.days);
    if let Some(faults) = &args.faults {
        let kinds: Vec<_> = faults.0.iter().map(|kind| kind.as_str()).collect();
        words += &format!(" --faults {}", if kinds.is_empty() { "none".to_owned() } else { kinds.join(",") });
    }
    if args.large {
        words += " --large";
    }
    words + " --trace"
}

fn table(lives: &[Life]) -> String {
    let head = ["SEED", "DAYS", "RUNS", "CREATED", "COPIED", "DELETED", "CALM AFTER", "RULES"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for life in lives {
        let numbers = [life.seed, life.days.into(), life.runs, life.created, life.copied, life.deleted];
        let mut row: Vec<_> = numbers.iter().map(u64::to_string).collect();
        row.push(if life.broken.is_some() { "-".to_owned() } else { format!("{} ticks", life.calm_ticks) });
        row.push(life.broken.as_ref().map_or("held".to_owned(), |broken| format!("{} broken", broken.rule)));
        rows.push(row);
    }
    let mut text: String = aligned(&rows).into_iter().map(|line| line + "\n").collect();
    for (life, broken) in lives.iter().filter_map(|life| Some((life, life.broken.as_ref()?))) {
        let Broken { rule, step, at, words, repeat } = broken;
        text += &format!("\nSeed {}, step {step}, {at}: {rule} is broken: {words}\nAgain: {repeat}\n", life.seed);
    }
    let mut fired: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in lives.iter().flat_map(|life| &life.fired) {
        *fired.entry(kind).or_default() += count;
    }
    let fired: Vec<_> = fired.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    text + &format!(
        "\nTrouble that there was: {}\n",
        if fired.is_empty() { "none".to_owned() } else { fired.join(", ") }
    )
}
