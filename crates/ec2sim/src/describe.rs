//! Listings: pages, empty pages, filters by id, and what eventual consistency does not show yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::str::FromStr;

use snapwarden_core::ids::{InstanceId, SnapshotId, VolumeId};
use snapwarden_exec::cloud::Page;

use crate::call::{Action, ApiError, PageRequest, Reply, SnapshotListing, SnapshotView};
use crate::faults::page_unavailable;
use crate::keys;
use crate::limits::{FILTER_VALUES_MAX, PAGE_SIZE_RANGE};
use crate::state::{InstanceRecord, SnapshotRecord, VolumeRecord};
use crate::world::{Context, Effect, World};

/// Where a page begins. Opaque to callers: hexadecimal digits.
struct Token {
    /// The id after which it begins; empty at the start.
    after: String,
    /// The page before had nothing on it, so this one does.
    was_empty: bool,
}

impl Token {
    fn write(&self, action: Action) -> String {
        keys::to_hex(&format!("{action}|{}|{}", if self.was_empty { "e" } else { "" }, self.after))
    }

    fn read(action: Action, text: Option<&str>) -> Result<Self, ApiError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self { after: String::new(), was_empty: false });
        };
        let plain = keys::from_hex(text).unwrap_or_default();
        // What it begins after comes last: it may hold any character.
        let mut parts = plain.splitn(3, '|');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(of), Some(empty), Some(after)) if of == action.as_str() => {
                Ok(Self { after: after.to_owned(), was_empty: !empty.is_empty() })
            }
            _ => Err(ApiError::bad_value("The token is not one that this action gave.")),
        }
    }
}

impl World {
    pub(crate) fn describe_instances(&self, context: &Context<'_>, page: &PageRequest) -> Result<Effect, ApiError> {
        let state = self.state(context.region)?;
        let show = |_: &InstanceId, record: &InstanceRecord| Some(record.view(&state.volumes, self.now()));
        Ok(Reply::Instances(self.page(context, Action::DescribeInstances, page, &state.instances, show)?).into())
    }

    pub(crate) fn describe_volumes(&self, context: &Context<'_>, page: &PageRequest) -> Result<Effect, ApiError> {
        let records = &self.state(context.region)?.volumes;
        let show = |_: &VolumeId, record: &VolumeRecord| Some(record.view(self.now()));
        Ok(Reply::Volumes(self.page(context, Action::DescribeVolumes, page, records, show)?).into())
    }

    pub(crate) fn describe_snapshots(
        &self,
        context: &Context<'_>,
        listing: &SnapshotListing,
    ) -> Result<Effect, ApiError> {
        let records = &self.state(context.region)?.snapshots;
        let page = match listing {
            SnapshotListing::Own(page) => {
                let show = |_: &SnapshotId, record: &SnapshotRecord| self.shown(context, record);
                self.page(context, Action::DescribeSnapshots, page, records, show)?
            }
            SnapshotListing::Ids(ids) if ids.len() > FILTER_VALUES_MAX => {
                let message = format!("The maximum number of {FILTER_VALUES_MAX} filter values was exceeded.");
                return Err(ApiError::refused("FilterLimitExceeded", message));
            }
            SnapshotListing::Ids(ids) => {
                let ids: BTreeSet<&SnapshotId> = ids.iter().collect();
                let shown = |record| self.shown(context, record);
                let items = ids.into_iter().filter_map(|id| records.get(id)).filter_map(shown).collect();
                Page { items, next: None }
            }
        };
        Ok(Reply::Snapshots(page).into())
    }

    fn shown(&self, context: &Context<'_>, record: &SnapshotRecord) -> Option<SnapshotView> {
        let now = self.now();
        (record.snapshot.owner == *context.owner && record.is_visible(now)).then(|| record.view(now))
    }

    pub(crate) fn page<K: Ord + FromStr + ToString, R, T>(
        &self,
        context: &Context<'_>,
        action: Action,
        request: &PageRequest,
        records: &BTreeMap<K, R>,
        show: impl Fn(&K, &R) -> Option<T>,
    ) -> Result<Page<T>, ApiError> {
        let token = Token::read(action, request.next.as_deref())?;
        if self.is_broken(context, action, request) {
            return Err(page_unavailable());
        }
        let draw =
            |what| keys::hash(self.seed, &[what, context.region.as_str(), action.as_str(), &token.after]) % 1_000;
        if !token.was_empty && draw("empty page") < u64::from(self.config.empty_pages) {
            let next = Token { was_empty: true, ..token };
            return Ok(Page { items: Vec::new(), next: Some(next.write(action)) });
        }
        let start = match token.after.parse::<K>() {
            Ok(after) => Bound::Excluded(after),
            Err(_) => Bound::Unbounded,
        };
        let size = self.page_size(request);
        let mut rest = records.range((start, Bound::Unbounded)).filter_map(|(id, r)| Some((id, show(id, r)?)));
        let mut last = None;
        let items: Vec<T> = rest.by_ref().take(size).map(|(id, item)| (last = Some(id), item).1).collect();
        let next = match last.filter(|_| rest.next().is_some()) {
            Some(last) => Some(Token { after: last.to_string(), was_empty: false }.write(action)),
            // EC2's last page has no token, or an empty one.
            None => (draw("empty token") < 500).then(String::new),
        };
        Ok(Page { items, next })
    }

    /// Whether this is a page after the first that fails: for an hour, or trying again would always help.
    fn is_broken(&self, context: &Context<'_>, action: Action, request: &PageRequest) -> bool {
        let Some(next) = request.next.as_deref().filter(|next| !next.is_empty()) else { return false };
        let hour = self.now().as_second() / 3_600;
        let parts = ["broken page", context.region.as_str(), action.as_str(), next, &hour.to_string()];
        keys::hash(self.seed, &parts) % 1_000 < u64::from(self.config.broken_pages)
    }

    fn page_size(&self, request: &PageRequest) -> usize {
        let (least, most) = PAGE_SIZE_RANGE;
        let asked = request.max_results.unwrap_or(most).clamp(least, most);
        usize::try_from(asked).unwrap_or(usize::MAX).min(self.config.page_size).max(1)
    }
}
