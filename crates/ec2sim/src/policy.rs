//! What a call needs a permission for, and whether a caller's policies give it.
//!
//! EC2 asks for a permission on every resource that a call touches, and once more for CreateTags where a call gives tags
//! at birth, with `ec2:CreateAction` naming the call (service authorization reference, "Actions, resources, and condition
//! keys for Amazon EC2"). A resource that does not exist needs none here: its absence is what the call answers.
//!
//! Policies themselves are evaluated elsewhere ([`Policy`]): with the feature `iam`, by a crate made for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use snapwarden_core::ids::Region;
use snapwarden_core::inventory::Device;
use snapwarden_core::tags::Tags;

use crate::call::{Call, ResourceId};
use crate::world::World;

/// One permission that a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// As policies write it: `ec2:DeleteSnapshot`.
    pub action: String,
    /// EC2's word for the resource's kind; none where the action knows none.
    pub kind: Option<&'static str>,
    /// The resource.
    pub arn: String,
    /// The condition keys, with one value or several.
    pub context: BTreeMap<String, Vec<String>>,
}

/// Decides about a permission.
type Allows = dyn Fn(&Need) -> bool + Send + Sync;

/// What a caller's policies say.
#[derive(Clone)]
pub struct Policy(Arc<Allows>);

impl Policy {
    /// One that `allows` decides.
    pub fn new(allows: impl Fn(&Need) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    /// Whether it gives the permission.
    pub fn allows(&self, need: &Need) -> bool {
        (self.0)(need)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policy")
    }
}

impl World {
    /// The permissions that a call needs.
    pub fn needs(&self, region: &Region, call: &Call) -> Vec<Need> {
        let asked = Asked { world: self, region, action: call.action().as_str() };
        match call {
            // STS answers it to everybody.
            Call::GetCallerIdentity => Vec::new(),
            Call::DescribeRegions | Call::DescribeInstances(_) | Call::DescribeVolumes(_) => {
                vec![asked.without_resource()]
            }
            Call::DescribeSnapshots(_) | Call::Find(_) | Call::Build(_) => vec![asked.without_resource()],
            Call::CreateSnapshot { volume, tags, .. } => {
                let volume = ResourceId::from(volume.clone());
                asked.with_birth(asked.existing(&[volume]), tags)
            }
            Call::CreateSnapshots(request) => {
                let instance = self.instance(region, &request.instance);
                let volumes = instance.into_iter().flat_map(|record| {
                    let boots = |device: &Device| device.name == record.instance.root_device;
                    record.instance.devices.iter().filter(move |device| !(request.exclude_boot && boots(device)))
                });
                let volumes = volumes.filter_map(|device| device.volume.clone());
                let volumes = volumes.filter(|volume| !request.exclude_data.contains(volume)).map(ResourceId::from);
                let touched: Vec<_> = std::iter::once(request.instance.clone().into()).chain(volumes).collect();
                asked.with_birth(asked.existing(&touched), &request.tags)
            }
            Call::CopySnapshot { request, .. } => {
                let there = Asked { region: &request.source_region, ..asked };
                asked.with_birth(there.existing(&[request.source.clone().into()]), &request.tags)
            }
            Call::DeleteSnapshot { snapshot } => asked.existing(&[snapshot.clone().into()]),
            Call::CreateTags { resources, tags } => {
                let needs = asked.existing(resources).into_iter();
                needs.map(|need| Need { context: with_request(need.context, tags), ..need }).collect()
            }
            Call::DeleteTags { resources, .. } | Call::DeleteTagsWhere { resources, .. } => asked.existing(resources),
        }
    }

    fn tags_of(&self, region: &Region, id: &ResourceId) -> Option<Tags> {
        match id {
            ResourceId::Instance(id) => self.instance(region, id).map(|record| record.instance.tags.clone()),
            ResourceId::Volume(id) => self.volume(region, id).map(|record| record.volume.tags.clone()),
            ResourceId::Snapshot(id) => self.snapshot(region, id).map(|record| record.snapshot.tags.clone()),
            ResourceId::Image(_) => Some(Tags::default()),
        }
    }
}

/// A call that asks for permissions.
#[derive(Clone, Copy)]
struct Asked<'a> {
    world: &'a World,
    region: &'a Region,
    action: &'static str,
}

impl Asked<'_> {
    fn need(&self, kind: Option<&'static str>, arn: String, tags: &Tags) -> Need {
        let mut context = BTreeMap::from([("aws:RequestedRegion".to_owned(), vec![self.region.to_string()])]);
        for (key, value) in tags.iter() {
            for prefix in ["aws:ResourceTag", "ec2:ResourceTag"] {
                context.insert(format!("{prefix}/{key}"), vec![value.to_owned()]);
            }
        }
        Need { action: format!("ec2:{}", self.action), kind, arn, context }
    }

    fn without_resource(&self) -> Need {
        let (region, account) = (self.region, self.world.account());
        self.need(None, format!("arn:aws:ec2:{region}:{account}:*"), &Tags::default())
    }

    /// On resources that are there already.
    fn existing(&self, resources: &[ResourceId]) -> Vec<Need> {
        let found = resources.iter().filter_map(|id| Some((id, self.world.tags_of(self.region, id)?)));
        found.map(|(id, tags)| self.need(Some(id.kind()), self.arn(id.kind(), id.as_str()), &tags)).collect()
    }

    /// Besides `needs`, what a snapshot needs that comes into being, and its tags.
    fn with_birth(&self, mut needs: Vec<Need>, tags: &Tags) -> Vec<Need> {
        let born = self.need(Some("snapshot"), self.arn("snapshot", "*"), &Tags::default());
        let born = Need { context: with_request(born.context, tags), ..born };
        if tags.iter().next().is_some() {
            let mut tagging = Need { action: "ec2:CreateTags".to_owned(), ..born.clone() };
            tagging.context.insert("ec2:CreateAction".to_owned(), vec![self.action.to_owned()]);
            needs.push(tagging);
        }
        needs.push(born);
        needs
    }

    /// Snapshots and images have no account in their ARN.
    fn arn(&self, kind: &str, id: &str) -> String {
        let account = match kind {
            "snapshot" | "image" => "",
            _ => self.world.account().as_str(),
        };
        format!("arn:aws:ec2:{}:{account}:{kind}/{id}", self.region)
    }
}

fn with_request(mut context: BTreeMap<String, Vec<String>>, tags: &Tags) -> BTreeMap<String, Vec<String>> {
    for (key, value) in tags.iter() {
        context.insert(format!("aws:RequestTag/{key}"), vec![value.to_owned()]);
    }
    context.insert("aws:TagKeys".to_owned(), tags.iter().map(|(key, _)| key.to_owned()).collect());
    context
}

#[cfg(feature = "iam")]
mod iam {
    use iam_rs::{
        Arn, Context, ContextValue, Decision, IAMPolicy, IAMRequest, Principal, PrincipalId, evaluate_policies,
    };

    use super::{Need, Policy};

    impl Policy {
        /// That of policy documents, as IAM has them.
        pub fn of_documents(documents: &[impl AsRef<str>]) -> Result<Self, serde_json::Error> {
            let parsed: Vec<IAMPolicy> =
                documents.iter().map(|text| serde_json::from_str(text.as_ref())).collect::<Result<_, _>>()?;
            Ok(Self::new(move |need| is_allowed(&parsed, need)))
        }
    }

    /// The one place where policies are evaluated. What cannot be evaluated is not allowed.
    fn is_allowed(policies: &[IAMPolicy], need: &Need) -> bool {
        let Ok(arn) = Arn::parse(&need.arn) else { return false };
        let mut context = Context::new();
        for (key, values) in &need.context {
            let value = match values.as_slice() {
                [one] if key != "aws:TagKeys" => ContextValue::String(one.clone()),
                several => ContextValue::StringList(several.to_vec()),
            };
            context.insert(key.clone(), value);
        }
        let who = Principal::Aws(PrincipalId::String("arn:aws:iam::123456789012:role/snapwarden".to_owned()));
        let request = IAMRequest::new_with_context(who, need.action.clone(), arn, context);
        matches!(evaluate_policies(policies, &request), Ok(Decision::Allow))
    }
}
