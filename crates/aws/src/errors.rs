//! What a failed call of the SDK proves.
//!
//! Whether a create may be repeated hangs on one question: can it have happened? Only two things say no: an answer of
//! EC2 whose code says so, and a connection that was never made. Whatever is not known for certain to be one of them is
//! taken as no answer.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use snapwarden_exec::cloud::{CloudError, ErrorKind};

use crate::whole::NotWhole;

/// What `error` says about its call.
#[allow(clippy::wildcard_enum_match_arm, reason = "SdkError may grow, and what it grows proves nothing")]
pub(crate) fn cloud_error<E>(error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => of_answer(answer.err(), answer.raw().status().as_u16()),
        SdkError::ConstructionFailure(_) => own(ErrorKind::Invalid, "NotSent", chain(error)),
        SdkError::DispatchFailure(_) => not_dispatched(error),
        SdkError::ResponseError(_) if find::<NotWhole>(error).is_some() => unreadable(chain(error)),
        _ => CloudError::no_answer(chain(error)),
    }
}

fn of_answer(error: &(impl ProvideErrorMetadata + Error + 'static), status: u16) -> CloudError {
    match error.code() {
        Some(code) if !code.is_empty() => CloudError::of_answer(code, status, error.message().unwrap_or_default()),
        // A good status: the call was done, and what it says cannot be read.
        _ if status < 300 => unreadable(chain(error)),
        _ => CloudError::of_answer(&format!("Http{status}"), status, "the answer names no error"),
    }
}

fn not_dispatched(error: &(dyn Error + 'static)) -> CloudError {
    if find::<CredentialsError>(error).is_some() {
        // They are asked for before anything is sent.
        own(ErrorKind::Unauthorized, "NoCredentials", chain(error))
    } else if find::<hyper_util::client::legacy::Error>(error).is_some_and(|error| error.is_connect()) {
        CloudError::never_connected(chain(error))
    } else {
        CloudError::no_answer(chain(error))
    }
}

/// An answer came, the call may have been done, and what the answer says is not known.
pub(crate) fn unreadable(message: impl Into<String>) -> CloudError {
    own(ErrorKind::Ambiguous, "UnreadableAnswer", message)
}

/// A record of a listing that cannot be read. The listing becomes a gap: without the record it would be a shorter one.
pub(crate) fn unreadable_record(message: impl Into<String>) -> CloudError {
    own(ErrorKind::Unknown, "UnreadableRecord", message)
}

pub(crate) fn own(kind: ErrorKind, code: &str, message: impl Into<String>) -> CloudError {
    CloudError { kind, code: code.to_owned(), message: message.into() }
}

/// The error and its sources.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// The first `T` among them.
fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    sources(error).find_map(|error| error.downcast_ref())
}

/// The words of all of them, each once and on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for text in sources(error).map(ToString::to_string) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.iter().any(|known| known.contains(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}
