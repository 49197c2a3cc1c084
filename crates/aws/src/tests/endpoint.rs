//! An endpoint in the process: what is asked is kept, what is answered is what the test said.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::Aws;

/// The time that answers carry unless they say otherwise.
pub(super) const DATE: &str = "Sun, 22 Nov 2026 10:15:30 GMT";

/// What the endpoint does with the next request.
pub(super) enum Reply {
    Answer {
        status: u16,
        date: Option<String>,
        body: Vec<u8>,
    },
    /// The request is gone and nothing comes back.
    Fails(fn(Box<dyn std::error::Error + Send + Sync>) -> ConnectorError),
}

impl Reply {
    pub(super) fn ok(body: &str) -> Self {
        Self::status(200, body)
    }

    pub(super) fn status(status: u16, body: &str) -> Self {
        Self::Answer { status, date: Some(DATE.to_owned()), body: body.as_bytes().to_vec() }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::status(status, &super::answers::error(code, "Words of EC2."))
    }

    pub(super) fn dated(self, new: Option<&str>) -> Self {
        match self {
            Self::Answer { status, body, .. } => Self::Answer { status, date: new.map(str::to_owned), body },
            Self::Fails(_) => self,
        }
    }
}

/// A request as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) uri: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Seen {
    /// A parameter of the form.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.params().remove(name)
    }

    pub(super) fn params(&self) -> BTreeMap<String, String> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(self.body.as_bytes()).into_owned() {
            assert!(params.insert(name.clone(), value).is_none(), "{name} is there twice");
        }
        params
    }
}

#[derive(Debug, Default)]
struct Inner {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reply")
    }
}

/// The endpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Endpoint(Arc<Mutex<Inner>>);

impl Endpoint {
    /// Says what the next request that has no reply yet is answered.
    pub(super) fn next(&self, reply: Reply) {
        self.0.lock().unwrap().replies.push_back(reply);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    pub(super) fn only_request(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen.remove(0)
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap().seen.clear();
    }

    /// The crate over this endpoint, with AWS's example credentials.
    pub(super) fn aws(&self) -> Aws {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        self.aws_with(credentials, None, &[])
    }

    /// With an endpoint of the owner's, and botocore's names of what is switched on.
    pub(super) fn aws_with(&self, credentials: Credentials, own: Option<&str>, settings: &[String]) -> Aws {
        let provider = SharedCredentialsProvider::new(credentials);
        let has = |name: &str| settings.iter().any(|setting| setting == name);
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(self.clone())
            .credentials_provider(provider.clone())
            .use_fips(has("use_fips_endpoint"))
            .use_dual_stack(has("use_dualstack_endpoint"));
        sdk.set_endpoint_url(own.map(str::to_owned));
        Aws::over(&sdk.build(), provider, super::home(), crate::ANSWER_MAX_DEFAULT)
    }
}

impl HttpConnector for Endpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let mut inner = self.0.lock().unwrap();
        inner.seen.push(Seen { uri: request.uri().to_owned(), headers, body });
        let reply = inner.replies.pop_front().expect("a request that the test did not expect");
        HttpConnectorFuture::ready(match reply {
            Reply::Answer { status, date, body } => {
                let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                if let Some(date) = date {
                    response.headers_mut().insert("date", date);
                }
                Ok(response)
            }
            Reply::Fails(how) => Err(how("the connection broke".into())),
        })
    }
}

impl HttpClient for Endpoint {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
