//! Lives under faults (`snapwarden_ec2sim::drive`): every seed that ever failed, fresh ones, and large accounts. The rules
//! are checked at every call; here it is asked that they held, that every kind of trouble fired, and that a life is the
//! same when it is lived again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails loudly, helpers included")]

use std::sync::atomic::{AtomicU64, Ordering};

use snapwarden_ec2sim::drive::{Broken, Fired, Kind, Lived, Options, Trouble, live};

/// Seeds of lives of 60 days in which something went wrong once, in the code, in a rule as it was written, or in its
/// checker (docs/simulation.md says what it was). They stay.
const FAILED_ONCE: [u64; 77] = [
    40,
    133,
    439,
    1207,
    1241,
    1256,
    1341,
    1346,
    1502,
    1535,
    1606,
    1713,
    1722,
    1736,
    1755,
    1853,
    1953,
    2050,
    2158,
    2181,
    2195,
    2272,
    2277,
    2358,
    2362,
    2373,
    3056,
    3195,
    3512,
    3669,
    3782,
    4473,
    5171,
    5176,
    5937,
    6003,
    6016,
    7228,
    70_022,
    70_124,
    70_325,
    70_415,
    70_561,
    80_133,
    90_058,
    90_157,
    100_161,
    110_183,
    140_053,
    140_119,
    394_332_256,
    475_189_388,
    500_000_459,
    610_000_032,
    610_000_132,
    720_000_002,
    720_000_171,
    740_001_320,
    1_395_099_883,
    1_676_284_193,
    2_096_869_502,
    2_096_869_510,
    2_096_869_863,
    2_444_532_156,
    2_444_532_233,
    2_809_594_790,
    2_809_595_097,
    812000051,
    812000109,
    812000437,
    821000236,
    3_522_367_037,
    1_236_189_053,
    3_829_230_347,
    831_005_035,
    831_006_045,
    830_007_202,
];
/// The same, since there are the kinds of trouble from `sick-region` on.
const FAILED_LATELY: [u64; 11] = [
    910_000_163,
    910_000_239,
    910_000_269,
    910_000_390,
    910_000_405,
    920_000_438,
    920_000_459,
    3_520_631_422,
    20_261_401,
    30_000_211,
    2_475_910_298,
];
/// The same of large accounts and 20 days.
const FAILED_ONCE_LARGE: [u64; 4] = [7002, 7015, 7021, 7085];
/// Lives of 60 days in CI.
const LIVES: u64 = 500;
const LARGE_LIVES: u64 = 20;
/// What a day of these lives holds on average, at most, with the calm at their end: they are many rather than busy.
const SNAPSHOTS_A_DAY_MAX: u64 = 60;
const RUNS_A_DAY_MAX: u64 = 8;

/// Where the fresh seeds begin: CI gives the commit's number, so that each commit lives lives that nobody has lived.
fn first_fresh() -> u64 {
    std::env::var("SNAPWARDEN_FRESH_SEED").map_or(1, |text| text.parse().expect("SNAPWARDEN_FRESH_SEED is a number"))
}

/// Lives these, on all cores; panics with every rule that was broken and how to see it again.
fn live_all(all: &[Options]) -> Vec<Lived> {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut lived: Vec<(usize, Lived)> = std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            while let Some((n, options)) = {
                let n = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                all.get(n).map(|options| (n, options))
            } {
                done.push((n, live(options)));
            }
            done
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    lived.sort_by_key(|(n, _)| *n);
    let mut broken = Vec::new();
    for ((_, lived), options) in lived.iter().zip(all) {
        broken.extend(lived.trouble.as_ref().map(|trouble| told(options, trouble)));
    }
    assert!(broken.is_empty(), "{} lives broke a rule:\n{}", broken.len(), broken.join("\n"));
    lived.into_iter().map(|(_, lived)| lived).collect()
}

/// Which rule was broken, at which step of which life, and the one command that lives it again.
fn told(options: &Options, trouble: &Trouble) -> String {
    let Trouble { step, at, broken } = trouble;
    let (seed, days, large) = (options.seed, options.days, if options.large { " --large" } else { "" });
    let kinds = options.kinds.iter().flatten().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",");
    let faults = if options.kinds.is_some() { format!(" --faults {kinds}") } else { String::new() };
    format!(
        "seed {seed}, step {step}, {at}: {} is broken: {}\n  snapwarden simulate --seed {seed} --days {days}{large}{faults} --trace",
        broken.rule, broken.words
    )
}

#[test]
fn a_broken_rule_is_told_with_its_step_and_how_to_see_it_again() {
    let broken = Broken { rule: "S2", words: "snap-1 is deleted and carries KeepForever".to_owned() };
    let trouble = Trouble { step: 17, at: "2027-06-01T03:00:00Z".parse().unwrap(), broken };
    let options = Options { large: true, ..Options::of_seed(4) };
    assert_eq!(
        told(&options, &trouble),
        "seed 4, step 17, 2027-06-01T03:00:00Z: S2 is broken: snap-1 is deleted and carries KeepForever\n  \
         snapwarden simulate --seed 4 --days 60 --large --trace"
    );
}

/// A life that was written down, with the kinds of trouble that there were then.
fn old(seed: u64) -> Options {
    Options { kinds: Some(Kind::of_old_seed(seed)), ..Options::of_seed(seed) }
}

fn fired(lived: &[Lived]) -> Fired {
    let mut sum = Fired::new();
    for (kind, count) in lived.iter().flat_map(|lived| &lived.fired) {
        *sum.entry(*kind).or_default() += count;
    }
    sum
}

#[test]
fn in_500_lives_of_60_days_no_rule_is_broken_and_all_comes_right() {
    let fresh = first_fresh();
    let fresh = FAILED_LATELY.into_iter().chain((0..LIVES).map(|n| fresh.wrapping_add(n))).map(Options::of_seed);
    let all: Vec<_> = FAILED_ONCE.into_iter().map(old).chain(fresh).collect();
    let lived = live_all(&all);
    let fired = fired(&lived);
    let never: Vec<_> = Kind::ALL.into_iter().filter(|kind| !fired.contains_key(kind)).collect();
    assert!(never.is_empty(), "these never fired: {never:?}");
    let sum = |of: fn(&Lived) -> u64| lived.iter().map(of).sum::<u64>();
    let (runs, made, extras) = (sum(|l| l.runs), sum(|l| l.created + l.copied), sum(|l| l.extras));
    let calm_ticks = lived.iter().map(|lived| lived.calm_ticks).max().unwrap();
    println!("{} lives, {runs} runs, {made} snapshots and copies made, {extras} extra ones named", lived.len());
    println!("after {calm_ticks} ticks at most all was right; {fired:?}");
    let days: u64 = all.iter().map(|options| u64::from(options.days)).sum();
    assert!(made > days, "{made}: these lives are too quiet to prove anything");
    assert!(extras > 0, "no two runs at once made two of anything: S8 was not put to the test");
    assert!(made <= days * SNAPSHOTS_A_DAY_MAX, "{made} snapshots and copies in {days} days");
    assert!(runs <= days * RUNS_A_DAY_MAX, "{runs} runs in {days} days");
}

#[test]
fn in_large_accounts_too() {
    let fresh = (0..LARGE_LIVES).map(|n| Options::of_seed(first_fresh().wrapping_add(n)));
    let all = FAILED_ONCE_LARGE.into_iter().map(old).chain(fresh);
    let all: Vec<_> = all.map(|options| Options { days: 20, large: true, ..options }).collect();
    assert!(live_all(&all).iter().all(|lived| lived.created > 0));
}

#[test]
fn one_seed_is_one_life_call_by_call() {
    for seed in [3, 4, 5] {
        let options = Options { days: 20, trace: true, ..Options::of_seed(seed) };
        let (one, again) = (live(&options), live(&options));
        assert_eq!(one.trace, again.trace);
        assert!(one.trace.lines().count() > 50, "{}", one.trace);
        let other = live(&Options { seed: seed + 100, ..options });
        assert_ne!(one.trace, other.trace);
    }
}
