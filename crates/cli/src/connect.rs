//! The account itself: how AWS is reached, and what the looking commands see there.

use std::time::Duration;

use anyhow::Context;
use snapwarden_aws::{Aws, Options};
use snapwarden_core::decision::Job;
use snapwarden_core::ids::Region;
use snapwarden_exec::collect::{Collected, Scope, collect};
use snapwarden_exec::pacing::{Pacer, Stop};

use crate::args::{Account, Connection};
use crate::inventory::Seen;
use crate::progress::Bar;

/// Runs `future` to its end, on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime could not be started")?.block_on(future)
}

/// Credentials, endpoint and Region, as the AWS CLI finds them.
pub(crate) async fn load(connection: &Connection, region: Option<&Region>) -> anyhow::Result<Aws> {
    let options = Options {
        profile: connection.profile.clone(),
        endpoint_url: connection.endpoint_url.clone(),
        region: region.cloned(),
        answer_max: Duration::from_secs(connection.read_timeout),
    };
    Ok(Aws::load(options).await?)
}

/// The account, and where in it a job acts.
pub(crate) async fn account(account: &Account) -> anyhow::Result<(Aws, Scope)> {
    let aws = load(&account.connection, account.region.first()).await?;
    let here = aws.default_region().clone();
    let scope = if account.all_regions {
        Scope::all_enabled(here)
    } else if account.region.is_empty() {
        Scope::Named(vec![here])
    } else {
        Scope::Named(account.region.clone())
    };
    Ok((aws, scope))
}

/// Looks at the account for `plan`, `explain` and `lint`. Nothing is changed.
pub(crate) fn look(jobs: &[Job], wanted: &Account) -> anyhow::Result<Seen> {
    block_on(async {
        let (aws, scope) = account(wanted).await?;
        let bar = Bar::new();
        let pacer = Pacer::new(&aws, None, Stop::default());
        let Collected { inventory, regions } = collect(&pacer, jobs, &scope, &bar).await?;
        bar.finish();
        Ok(Seen { inventory, regions, more: "name its Region with --region" })
    })
}
