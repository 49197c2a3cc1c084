//! Credentials, Region, profile and endpoint, found as the AWS CLI finds them.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::config::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use snapwarden_core::ids::{IdError, Region};

use crate::client::Aws;
use crate::errors::chain;
use crate::https::Https;

/// What the command line says. What it leaves open comes from the environment and AWS's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The profile (`--profile`), else `AWS_PROFILE`. One that is named here comes before keys in the environment.
    pub profile: Option<String>,
    /// The endpoint of EC2 and STS (`--endpoint-url`), else `AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL_STS` and
    /// `AWS_ENDPOINT_URL`, or those of the profile.
    pub endpoint_url: Option<String>,
    /// The Region (`--region`), else `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.
    pub region: Option<Region>,
    /// How long to wait for the first byte of an answer. A CreateSnapshots of many volumes takes its time.
    pub answer_max: Duration,
}

/// botocore's own.
pub const ANSWER_MAX_DEFAULT: Duration = Duration::from_secs(60);

impl Default for Options {
    fn default() -> Self {
        Self { profile: None, endpoint_url: None, region: None, answer_max: ANSWER_MAX_DEFAULT }
    }
}

/// Why there is nothing to talk to AWS with. Nothing was sent to EC2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// No credentials, or they could not be had.
    #[error(
        "no AWS credentials were found ({0}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with \
         --profile, or log in with the AWS CLI"
    )]
    NoCredentials(String),
    /// No Region.
    #[error("no AWS Region was found; name one with --region, or set AWS_REGION or the profile's region")]
    NoRegion,
    /// A Region whose name is none.
    #[error("the Region that was found {0}")]
    BadRegion(IdError),
    /// An endpoint that is no URL.
    #[error("the endpoint {0:?} is not a URL; give it as http://HOST:PORT or https://HOST")]
    BadEndpoint(String),
}

impl Aws {
    /// Finds credentials, Region and endpoint, and makes ready. The credentials are asked for once here, so that a run
    /// without any says so before it begins.
    pub async fn load(options: Options) -> Result<Self, SetupError> {
        if let Some(endpoint) = options.endpoint_url.as_ref().filter(|endpoint| !is_url(endpoint)) {
            return Err(SetupError::BadEndpoint(endpoint.clone()));
        }
        let of_profile = options.profile.as_ref().map(|profile| format!("profile {profile:?}: ")).unwrap_or_default();
        let answer_max = options.answer_max;
        let sdk = sdk_config(options).await;
        let credentials = sdk.credentials_provider().ok_or_else(|| SetupError::NoCredentials("none".to_owned()))?;
        let found = credentials.provide_credentials().await;
        let found = found.map_err(|error| SetupError::NoCredentials(of_profile + &why(&error)))?;
        let region = sdk.region().ok_or(SetupError::NoRegion)?.as_ref().parse().map_err(SetupError::BadRegion)?;
        Ok(Self::over(&sdk, credentials, region, answer_max).keeping(found))
    }
}

/// Why there are no credentials. That each of six places has none is no news to anybody.
fn why(error: &CredentialsError) -> String {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) { "none are set".to_owned() } else { chain(error) }
}

async fn sdk_config(options: Options) -> SdkConfig {
    let http = SharedHttpClient::new(Https::default());
    // A version by name: another one may turn retries on, or change a timeout.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled());
    if let Some(endpoint) = options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(region) = options.region {
        loader = loader.region(aws_config::Region::new(String::from(region)));
    }
    let Some(profile) = options.profile else { return loader.load().await };
    let sdk = loader.profile_name(&profile).load().await;
    let credentials = SharedCredentialsProvider::new(of_profile(profile, &sdk, http));
    sdk.into_builder().credentials_provider(credentials).build()
}

/// A profile that was named is the only place that is looked at, as with the AWS CLI. The SDK would take the keys of
/// the environment before it, which may be another account's.
fn of_profile(profile: String, sdk: &SdkConfig, http: SharedHttpClient) -> ProfileFileCredentialsProvider {
    let around = ProviderConfig::without_region().with_http_client(http).with_region(sdk.region().cloned());
    ProfileFileCredentialsProvider::builder().configure(&around).profile_name(profile).build()
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_graphic() && !"?#@\\<>\"{}|^`".contains(c);
    !host.is_empty() && !host.starts_with(':') && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url() {
        for good in ["http://127.0.0.1:4566", "https://ec2.eu-west-1.amazonaws.com/", "http://[::1]:80/x"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["", "localhost:4566", "http://", "http:///x", "ftp://h", "http://h h", "http://h?x", "http://:80"] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
