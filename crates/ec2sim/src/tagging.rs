//! CreateTags and DeleteTags, and what EC2 asks of tags.

use snapwarden_core::ids::SnapshotId;
use snapwarden_core::tags::{TAG_VALUE_LENGTH_MAX, TAGS_MAX, Tags};

use crate::call::{ApiError, Reply, ResourceId};
use crate::keys;
use crate::limits::{TAG_KEY_LENGTH_MAX, TAGGED_AT_ONCE_MAX};
use crate::state::RegionState;
use crate::world::{Context, Effect, World};

impl World {
    /// All or none.
    pub(crate) fn create_tags(
        &mut self,
        context: &Context<'_>,
        resources: &[ResourceId],
        tags: &Tags,
    ) -> Result<Effect, ApiError> {
        check_keys_and_values(tags)?;
        self.check_resources(context, resources)?;
        let state = self.state(context.region)?;
        for resource in resources {
            let mut all = state.tags(resource).cloned().unwrap_or_default();
            merge(&mut all, tags);
            check_count(&all)?;
        }
        for resource in resources {
            self.change_tags(context, resource, |own| merge(own, tags))?;
        }
        Ok(Reply::Tagged.into())
    }

    pub(crate) fn delete_tags(
        &mut self,
        context: &Context<'_>,
        resources: &[ResourceId],
        keys: &[String],
    ) -> Result<Effect, ApiError> {
        if let Some(key) = keys.iter().find(|key| is_reserved(key)) {
            return Err(reserved(key));
        }
        self.check_resources(context, resources)?;
        for resource in resources {
            self.change_tags(context, resource, |own| keys.iter().for_each(|key| own.remove(key)))?;
        }
        Ok(Reply::Untagged.into())
    }

    pub(crate) fn delete_tags_where(
        &mut self,
        context: &Context<'_>,
        resources: &[ResourceId],
        tags: &[(String, Option<String>)],
    ) -> Result<Effect, ApiError> {
        if let Some((key, _)) = tags.iter().find(|(key, _)| is_reserved(key)) {
            return Err(reserved(key));
        }
        self.check_resources(context, resources)?;
        for resource in resources {
            self.change_tags(context, resource, |own| remove_where(own, tags))?;
        }
        Ok(Reply::Untagged.into())
    }

    fn check_resources(&self, context: &Context<'_>, resources: &[ResourceId]) -> Result<(), ApiError> {
        if resources.is_empty() {
            return Err(ApiError::refused("MissingParameter", "The request must contain the parameter resourceIdSet"));
        }
        if resources.len() > TAGGED_AT_ONCE_MAX {
            let message = format!("At most {TAGGED_AT_ONCE_MAX} resources can be tagged in one request.");
            return Err(ApiError::bad_value(message));
        }
        let state = self.state(context.region)?;
        resources.iter().try_for_each(|resource| match resource {
            ResourceId::Instance(id) if !state.instances.contains_key(id) => Err(ApiError::no_instance(id)),
            ResourceId::Volume(id) if !state.volumes.contains_key(id) => Err(ApiError::no_volume(id)),
            ResourceId::Snapshot(id) => self.check_snapshot(context, state, id),
            ResourceId::Image(id) if !state.images.contains_key(id) => Err(ApiError::no_image(id)),
            ResourceId::Instance(_) | ResourceId::Volume(_) | ResourceId::Image(_) => Ok(()),
        })
    }

    fn check_snapshot(&self, context: &Context<'_>, state: &RegionState, id: &SnapshotId) -> Result<(), ApiError> {
        let record = state.living(id).filter(|r| r.snapshot.owner == *context.owner && r.is_visible(self.now()));
        record.map(|_| ()).ok_or_else(|| ApiError::no_snapshot(id))
    }

    /// Changes the tags of one resource; describes may show the old ones for a while.
    pub(crate) fn change_tags(
        &mut self,
        context: &Context<'_>,
        resource: &ResourceId,
        change: impl FnOnce(&mut Tags),
    ) -> Result<(), ApiError> {
        let now = self.now();
        let name = ["tags", context.region.as_str(), resource.as_str()];
        let change_number = self.next_attempt(keys::hash(0, &name)).to_string();
        let lag_s = self.lag_s(&[&name[..], &[change_number.as_str()]].concat());
        let state = self.state_mut(context.region)?;
        let Some((tags, lag)) = state.tags_mut(resource) else {
            return Err(match resource {
                ResourceId::Instance(id) => ApiError::no_instance(id),
                ResourceId::Volume(id) => ApiError::no_volume(id),
                ResourceId::Snapshot(id) => ApiError::no_snapshot(id),
                ResourceId::Image(id) => ApiError::no_image(id),
            });
        };
        lag.remember(tags, now, keys::later(now, lag_s));
        change(tags);
        Ok(())
    }
}

fn merge(into: &mut Tags, more: &Tags) {
    for (key, value) in more.iter() {
        into.set(key, value);
    }
}

/// Takes away what fits: by key, by key and value, or, with nothing named, all but AWS's own (EC2 API reference,
/// DeleteTags).
fn remove_where(own: &mut Tags, tags: &[(String, Option<String>)]) {
    let fits = |key: &str, value: &str| {
        let named = tags.iter().any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value));
        if tags.is_empty() { !is_reserved(key) } else { named }
    };
    *own = own.iter().filter(|(key, value)| !fits(key, value)).collect();
}

/// What EC2 asks of the tags that a resource is born with.
pub(crate) fn check_new_tags(tags: &Tags) -> Result<(), ApiError> {
    if tags.is_empty() {
        return Ok(());
    }
    check_keys_and_values(tags)?;
    check_count(tags)
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.iter().filter(|(key, _)| !is_reserved(key)).count() > TAGS_MAX {
        let message = format!("The maximum number of {TAGS_MAX} tags per resource has been reached.");
        return Err(ApiError::refused("TagLimitExceeded", message));
    }
    Ok(())
}

fn check_keys_and_values(tags: &Tags) -> Result<(), ApiError> {
    if tags.is_empty() {
        return Err(ApiError::refused("MissingParameter", "The request must contain the parameter tagSet"));
    }
    for (key, value) in tags.iter() {
        if is_reserved(key) {
            return Err(reserved(key));
        }
        if key.is_empty() || key.chars().count() > TAG_KEY_LENGTH_MAX {
            let message = format!("Tag key {key:?} must have 1 to {TAG_KEY_LENGTH_MAX} characters.");
            return Err(ApiError::bad_value(message));
        }
        if value.chars().count() > TAG_VALUE_LENGTH_MAX {
            let message = format!("The value of tag {key:?} has more than {TAG_VALUE_LENGTH_MAX} characters.");
            return Err(ApiError::bad_value(message));
        }
    }
    Ok(())
}

/// AWS's own tags: they cannot be set by anybody else, and do not count towards the limit.
fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn reserved(key: &str) -> ApiError {
    ApiError::bad_value(format!(
        "Value ({key}) for parameter key is invalid. Tag keys starting with 'aws:' are reserved."
    ))
}
