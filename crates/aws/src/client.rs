//! The clients, one a Region, and what every call goes through: counted, sent once, and not trusted without a clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::config::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::Region;
use snapwarden_exec::cloud::{Action, Calls, CloudError, ErrorKind};

use crate::clock::{Clock, Listener};
use crate::errors::{chain, cloud_error, own};
use crate::whole::Checker;

/// Until a connection stands, name looked up and TLS agreed on. Nothing has been sent by then.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// One call in all, the body of a long page and the asking for credentials included, beyond the wait for an answer.
const BODY_MAX: Duration = Duration::from_secs(60);
/// Credentials that end sooner are asked for anew: a copy is begun with them, and EC2 checks it later on.
const CREDENTIALS_LEFT_MIN: Duration = Duration::from_secs(300);

/// So long credentials are waited for in the middle of a run: their source may hang.
const CREDENTIALS_MAX: Duration = Duration::from_secs(60);

/// EC2 over the AWS SDK.
///
/// Made by [`Aws::load`]; asked through [`Cloud`](snapwarden_exec::cloud::Cloud). The SDK repeats nothing: neither
/// what makes something, because that has no client token, nor a read, because the pacer's buckets, deadline and
/// counted calls would not know of it.
///
/// [`Cloud::now`](snapwarden_exec::cloud::Cloud::now) is 1970 before the first answer. A deadline wants an answer first:
/// [`Cloud::account`](snapwarden_exec::cloud::Cloud::account) gives one.
pub struct Aws {
    ec2: aws_sdk_ec2::config::Builder,
    sts: aws_sdk_sts::config::Builder,
    provider: SharedCredentialsProvider,
    credentials: RefCell<Option<Credentials>>,
    region: Region,
    clients: RefCell<BTreeMap<Region, Clients>>,
    calls: RefCell<Calls>,
    pub(crate) clock: Arc<Clock>,
}

/// The clients of one Region.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Aws {
    pub(crate) fn over(
        sdk: &SdkConfig,
        provider: SharedCredentialsProvider,
        region: Region,
        answer_max: Duration,
    ) -> Self {
        let clock = Arc::new(Clock::new());
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_MAX)
            .read_timeout(answer_max)
            .operation_attempt_timeout(answer_max + BODY_MAX)
            .operation_timeout(answer_max + BODY_MAX)
            .build();
        // The timeouts above say when an answer is too slow; a second rule would only blur what its end means.
        let unstalled = StalledStreamProtectionConfig::disabled();
        let ec2 = aws_sdk_ec2::config::Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.clone())
            .stalled_stream_protection(unstalled.clone())
            .interceptor(Checker);
        let sts = aws_sdk_sts::config::Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .stalled_stream_protection(unstalled)
            .interceptor(Checker);
        let (credentials, clients, calls) = Default::default();
        Self { ec2, sts, provider, credentials, region, clients, calls, clock }
    }

    /// With credentials that were asked for already: to ask may start a program, or a person's browser.
    pub(crate) fn keeping(self, credentials: Credentials) -> Self {
        self.credentials.replace(Some(credentials));
        self
    }

    /// The Region that was named, or found in the environment or the profile.
    pub fn default_region(&self) -> &Region {
        &self.region
    }

    /// How far this machine's clock is ahead of EC2's; none before the first answer. Signatures are made by this
    /// machine's, and EC2 refuses those that are minutes off.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        self.clock.is_set().then(|| Timestamp::now().duration_since(self.clock.now()))
    }

    /// The clients of `region`; they share connections and credentials with those of the others.
    pub(crate) fn clients(&self, region: &Region) -> Clients {
        let mut clients = self.clients.borrow_mut();
        let made = clients.entry(region.clone()).or_insert_with(|| {
            let named = aws_config::Region::new(region.to_string());
            let listener = || Listener { clock: Arc::clone(&self.clock), region: region.clone() };
            Clients {
                ec2: aws_sdk_ec2::Client::from_conf(
                    self.ec2.clone().interceptor(listener()).region(named.clone()).build(),
                ),
                sts: aws_sdk_sts::Client::from_conf(self.sts.clone().interceptor(listener()).region(named).build()),
            }
        });
        made.clone()
    }

    pub(crate) fn calls_made(&self) -> Calls {
        self.calls.borrow().clone()
    }

    /// A call that changes nothing. Its answer is given out only where EC2's time is known.
    pub(crate) async fn read<T, E>(
        &self,
        region: &Region,
        action: Action,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let answer = self.send(region, action, call).await?;
        self.time_is_known(ErrorKind::Unknown)?;
        Ok(answer)
    }

    /// A call that changes something. It is sent only where EC2's time is known.
    pub(crate) async fn write<T, E>(
        &self,
        region: &Region,
        action: Action,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.time_is_known(ErrorKind::Invalid)?;
        self.send(region, action, call).await
    }

    async fn send<T, E>(
        &self,
        region: &Region,
        action: Action,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        *self.calls.borrow_mut().entry((region.clone(), action)).or_default() += 1;
        call.await.map_err(|error| cloud_error(&error))
    }

    /// S10: without EC2's time there is no other to decide by.
    pub(crate) fn time_is_known(&self, kind: ErrorKind) -> Result<(), CloudError> {
        if self.clock.is_set() {
            return Ok(());
        }
        Err(own(kind, "NoDate", "no answer had a Date header that can be read, so EC2's time is not known"))
    }

    /// The credentials that a URL is signed with. They are kept: some sources start a program or ask a server.
    pub(crate) async fn credentials(&self, now: Timestamp) -> Result<Credentials, CloudError> {
        let until = SystemTime::from(now) + CREDENTIALS_LEFT_MIN;
        let lasts = |credentials: &Credentials| credentials.expiry().is_none_or(|expiry| expiry > until);
        let kept = self.credentials.borrow().clone().filter(lasts);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let found = tokio::time::timeout(CREDENTIALS_MAX, self.provider.provide_credentials()).await;
        let found =
            found.map_err(|_| own(ErrorKind::Unauthorized, "NoCredentials", "they did not come within a minute"))?;
        let found = found.map_err(|error| own(ErrorKind::Unauthorized, "NoCredentials", chain(&error)))?;
        self.credentials.replace(Some(found.clone()));
        Ok(found)
    }
}
