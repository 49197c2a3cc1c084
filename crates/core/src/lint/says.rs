//! What is wrong, in words. Each sentence goes on from the tag: `RetentionDays="7d" is no whole number …`.

use std::fmt;

use super::{Expected, Gap, Lint, LintProblem};
use crate::printable::{printable, quoted};

/// Characters of a key or a list of keys.
const KEYS_LENGTH_MAX: usize = 120;
/// Characters of what core says of a schedule.
const WHY_LENGTH_MAX: usize = 300;

impl Lint {
    /// The tag as it stands in a sentence.
    pub fn tag(&self) -> String {
        let is_plain = self.key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:./".contains(&b));
        let key = if is_plain { printable(&self.key, KEYS_LENGTH_MAX) } else { quoted(&self.key) };
        format!("{key}={}", quoted(&self.value))
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} {}", self.region, printable(&self.id, KEYS_LENGTH_MAX), self.tag(), self.problem)
    }
}

impl fmt::Display for LintProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use LintProblem as P;
        match self {
            P::Unreadable { expected, meant } => {
                write!(f, "{expected}")?;
                did_you_mean(f, meant.as_deref())
            }
            P::NoSchedule { part, why, holds, meant } => {
                write!(f, "is no schedule, so {} holds: ", quoted(holds))?;
                in_part(f, part.as_deref())?;
                f.write_str(&printable(why, WHY_LENGTH_MAX))?;
                meant.as_ref().map_or(Ok(()), |meant| write!(f, ". Did you mean {}?", quoted(meant)))
            }
            P::NeverFires { part, holds } => {
                write!(f, "is no schedule, so {} holds: ", quoted(holds))?;
                in_part(f, part.as_deref())?;
                f.write_str("it never fires; \"monthly 31 03:00\" is the last day of every month")
            }
            P::NearKey { ours } => write!(f, "is not a key of Snapwarden (keys are case-sensitive); did you mean {ours}?"),
            P::NotUnderstood { ours } => {
                write!(f, "cannot be read as {ours}, so it counts for nothing; if it was meant for Snapwarden, write {ours}")
            }
            P::NoRegion { name, nearest } => {
                write!(f, "names {}, which does not exist or is not enabled, so nothing is copied there; ", quoted(name))?;
                match nearest {
                    Some(region) => write!(f, "did you mean {region}?"),
                    None => f.write_str("write a Region's name, like eu-west-1"),
                }
            }
            P::Separators { meant } => write!(
                f,
                "has something other than spaces and commas between Regions, so nothing is copied there; did you mean {}?",
                quoted(meant)
            ),
            P::OwnRegion => f.write_str("names its own Region, where nothing is copied to; name another one"),
            P::KeepsAllTheSame => {
                f.write_str("keeps it for ever all the same, as any value does; take the tag away if it may expire")
            }
            P::ShortRetention { kept_days, gap } => short_retention(f, *kept_days, *gap),
            P::IdleTier { kept_days, reach_days } => write!(
                f,
                "keeps nothing that is not kept anyway: it reaches back {reach_days} days, and everything is kept for \
                 {kept_days}; raise it, or keep everything for fewer days"
            ),
            P::MoveLeavesNothing => f.write_str(
                "deletes the local snapshot after copying (OffsiteMode=Move, the default), so every new snapshot is a full \
                 one; OffsiteMode=KeepLatest avoids this",
            ),
            P::CopiesShorter => f.write_str(
                "keeps copies for less than their sources, so sources are not removed after copying; keep copies as long, \
                 or write OffsiteMode=Copy",
            ),
            P::TiersOfReplaced => f.write_str(
                "is counted for each volume by itself: the instance is of an Auto Scaling group, and each replaced volume \
                 leaves a snapshot in every tier; use RetentionDays alone, or back up volumes that outlive their instances",
            ),
            P::TagsWandered => f.write_str(
                "says that Snapwarden made this snapshot, and its other tags are those of another one: it is kept for ever; \
                 take Type off it, and off the volume that it is of",
            ),
            P::NothingOfVolume => f.write_str(
                "names a volume that does not exist and has no snapshots; if the id is mistyped, the snapshots of the right \
                 volume are no longer kept for this one",
            ),
            P::NoDestination => f.write_str("does nothing without a DestinationRegion; name one, or take the tag away"),
            P::NotSelected { others } => {
                f.write_str("does nothing")?;
                if !others.is_empty() {
                    write!(f, " (nor does {})", printable(&others.join(", "), KEYS_LENGTH_MAX))?;
                }
                f.write_str(": the instance has no Backup; tag it Backup=Yes to have it backed up")
            }
            P::Misplaced { belongs_on } => {
                write!(f, "does nothing here: it is read on {}", printable(belongs_on, KEYS_LENGTH_MAX))
            }
        }
    }
}

/// Of a schedule of several parts, that which is wrong.
fn in_part(f: &mut fmt::Formatter<'_>, part: Option<&str>) -> fmt::Result {
    part.map_or(Ok(()), |part| write!(f, "in {}, ", quoted(part)))
}

fn did_you_mean(f: &mut fmt::Formatter<'_>, meant: Option<&str>) -> fmt::Result {
    meant.map_or(Ok(()), |meant| write!(f, "; did you mean {}?", printable(meant, WHY_LENGTH_MAX)))
}

fn short_retention(f: &mut fmt::Formatter<'_>, kept_days: u32, gap: Gap) -> fmt::Result {
    let Gap { days, from, to } = gap;
    let unit = if kept_days == 1 { "day" } else { "days" };
    write!(
        f,
        "means that a snapshot is due after {kept_days} {unit}, before the next is made: none is made for {days} "
    )?;
    write!(f, "days from {from} to {to}; keep {days} days or more")
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Expected as E;
        f.write_str(match self {
            E::Number { least, most } => {
                return write!(
                    f,
                    "is not a whole number from {least} to {most}: new snapshots are kept at least a year, and nothing of its \
                     volumes is deleted"
                );
            }
            E::InstanceBackup => "is neither Yes nor No, so the instance is not backed up",
            E::VolumeBackup => "is neither Yes nor No, so the volume is backed up",
            E::Destinations => "names no Region, so nothing is copied",
            E::Mode => "is none of Move, KeepLatest, Copy, so sources stay, as with Copy",
            E::Automated => "is not Automated, so the snapshot is nobody's and stays for ever",
            E::DeleteOn => "is no day (YYYY-MM-DD), so it is kept for ever",
            E::CreatedOn => "is no day (YYYY-MM-DD), so DeleteOn alone says when it goes",
            E::Record => "is no record of retention (like days=7 weeks=4), so it is kept until that is mended",
            E::Slot => "is no slot (like 2026-11-22T03:00Z), so it stands for none",
            E::Instance => "is no instance's id, so no instance's tags count for it",
            E::SourceSnapshot => "is no snapshot's id, so nobody knows what it is a copy of",
            E::SourceRegion => "is no Region's name, so its volume is looked for in every Region",
            E::SourceStartTime => "is no time (like 2026-11-22T03:05:00Z), so its age counts from when it was copied",
            E::SourceVolume => "is no volume's id, so nobody knows whose history it belongs to",
            E::ReplacedVolume => "is no volume's id, so the snapshots of the volume that this one replaced are no longer kept for it",
            E::InUse => "is no day or time (like 2026-11-22T03:05:00Z), so the snapshot is kept until the tag can be read",
            E::Stamps => {
                "has words that are no verified copies (like eu-west-1:snap-0123456789abcdef0), and prove nothing"
            }
        })
    }
}
