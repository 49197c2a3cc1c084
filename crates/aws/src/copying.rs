//! What a CopySnapshot carries beside its own parameters: `PresignedUrl` and `DestinationRegion`.
//!
//! The URL must hold the very parameters that are sent. So it is made from the body that the SDK has written, right
//! before that is signed.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_ec2::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use snapwarden_core::ids::Region;

use crate::presign::{self, Param, escaped};

/// Adds them to one call.
pub(crate) struct Presigner {
    pub(crate) credentials: Credentials,
    pub(crate) time: SystemTime,
    pub(crate) source: Region,
    pub(crate) destination: Region,
}

impl std::fmt::Debug for Presigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presigner({} to {})", self.source, self.destination)
    }
}

impl Intercept for Presigner {
    fn name(&self) -> &'static str {
        "Presigner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let form = request.body().bytes().ok_or("the body of the request is not in memory")?.to_vec();
        let mut params: Vec<Param> = form_urlencoded::parse(&form).into_owned().collect();
        params.push(("DestinationRegion".to_owned(), self.destination.to_string()));
        let endpoint = self.source_endpoint(request);
        let url = presign::url(&self.credentials, self.time, &endpoint, self.source.as_str(), &params)?;
        let mut form = String::from_utf8(form)?;
        form.push_str(&format!("&DestinationRegion={}&PresignedUrl={}", self.destination, escaped(&url)));
        request.headers_mut().insert("content-length", form.len().to_string());
        *request.body_mut() = SdkBody::from(form);
        Ok(())
    }
}

impl Presigner {
    /// The endpoint of the source's Region: the destination's with the Region's name changed, as botocore has it. A
    /// name that an owner chose (`--endpoint-url`) has no Region in it and stays.
    fn source_endpoint(&self, request: &HttpRequest) -> String {
        let endpoint = request.uri().split('?').next().unwrap_or_default();
        let endpoint = endpoint.replace(self.destination.as_str(), self.source.as_str());
        let has_path = endpoint.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if has_path { endpoint } else { endpoint + "/" }
    }
}
