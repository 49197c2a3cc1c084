//! How long snapshots are kept.
//!
//! An instance's tags ask for a policy ([`policy`]). Each snapshot records the one it was made under ([`record`]). What
//! there is of a volume in a Region is a history (`history.rs`): open while new snapshots come, else closed. Several policies
//! are in force for it ([`force`]): a longer one counts at once, a shorter one only after the grace period, for which the
//! old one stays in force. Tiers say which moments are kept beyond their days ([`tiers`]). What no policy in force wants
//! goes: [`verdict`] has one table per volume, computed once.

pub mod force;
mod history;
pub mod policy;
pub mod record;
pub mod tiers;
pub mod verdict;

pub use force::By;
pub use policy::{Asked, KEYS, Keep, Number, RETENTION_DAYS_UNREADABLE, Retention, Tiers, meant_days};
pub use record::{Recorded, RetentionError, delete_on_of_copy};
