//! A request as a URL that is signed and can be used for an hour: AWS's "presigned URL".
//!
//! CopySnapshot goes to the destination. To read an encrypted source the destination asks the source's Region in the
//! caller's name, and this URL is what it shows there. botocore makes one for every CopySnapshot
//! (`inject_presigned_url_ec2`); what is made here equals botocore's, signature included (testdata/presigned).

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::Identity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// For how long the URL can be used: botocore's own.
const EXPIRES_IN: Duration = Duration::from_secs(3_600);
/// All but RFC 3986's unreserved characters, as Signature Version 4 wants it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name and its value.
pub(crate) type Param = (String, String);

/// `text` as it stands in a query or a form.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The request that `params` describe, a GET of `endpoint` (scheme, host and path), signed for `region`'s EC2.
pub(crate) fn url(
    credentials: &Credentials,
    time: SystemTime,
    endpoint: &str,
    region: &str,
    params: &[Param],
) -> Result<String, BoxError> {
    let query: Vec<_> = params.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let mut url = format!("{endpoint}?{}", query.join("&"));
    let identity = Identity::from(credentials.clone());
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &signing(&identity, time, region)?)?.into_parts();
    for (name, value) in instructions.params() {
        url.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    }
    Ok(url)
}

fn signing<'p>(identity: &'p Identity, time: SystemTime, region: &'p str) -> Result<SigningParams<'p>, BoxError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES_IN);
    let params =
        v4::SigningParams::builder().identity(identity).region(region).name("ec2").time(time).settings(settings);
    Ok(params.build()?.into())
}

#[cfg(test)]
pub(crate) mod tests;
