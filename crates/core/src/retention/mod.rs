//! How long snapshots are kept.
//!
//! An instance's tags ask for a policy (`policy.rs`). Each snapshot records the one it was made under (`record.rs`). All that
//! there is of a volume is its lineage (`lineage.rs`); what of it lies in one Region is a history: open while new snapshots
//! come, else closed. Several policies are in force for it (`force.rs`): a longer one counts at once, a shorter one only after
//! the grace period, for which the old one stays in force. Tiers say which moments are kept beyond their days ([`tiers`]).
//! What no policy in force wants, and nothing else needs (`evidence.rs`), goes: `verdict.rs` has one table per volume,
//! computed once.

mod account;
mod evidence;
mod force;
mod judgement;
mod lineage;
mod policy;
mod record;
mod statements;
pub mod tiers;
mod verdict;

pub(crate) use account::Account;
pub use force::By;
pub(crate) use judgement::Keeper;
pub use judgement::Wanted;
pub use policy::{Asked, KEYS, Keep, Number, RETENTION_DAYS_UNREADABLE, Retention, Tiers, meant_days};
pub use record::{Recorded, RetentionError, delete_on_of_copy};
pub(crate) use verdict::{Settling, Table, Verdict, firsts_named};
