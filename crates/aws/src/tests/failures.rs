//! What each failure proves, and that none of them is repeated by the SDK.

use aws_smithy_runtime_api::client::result::ConnectorError;
use snapwarden_exec::cloud::{ErrorKind, SnapshotQuery};

use super::answers;
use super::*;

fn create(aws: &Aws) -> Result<snapwarden_exec::cloud::Begun, CloudError> {
    run(aws.create_snapshot(&home(), &"vol-1".parse().unwrap(), "", &tags(&[("Type", "Automated")])))
}

#[test]
fn the_code_says_what_is_known_whatever_the_status() {
    use ErrorKind::{
        Ambiguous, Invalid, LimitReached, NotFound, RateExceeded, Refused, Throttled, Unauthorized, Unknown,
        VolumeLimitReached,
    };
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    for (status, code, kind) in [
        (503, "RequestLimitExceeded", Throttled),
        (400, "RequestLimitExceeded", Throttled),
        (400, "Throttling", Throttled),
        (400, "ThrottlingException", Throttled),
        (400, "ThrottledException", Throttled),
        (400, "RequestThrottled", Throttled),
        (400, "RequestThrottledException", Throttled),
        (429, "TooManyRequestsException", Throttled),
        (400, "EC2ThrottledException", Throttled),
        (400, "ProvisionedThroughputExceededException", Throttled),
        (400, "TransactionInProgressException", Throttled),
        (400, "LimitExceededException", Throttled),
        (400, "BandwidthLimitExceeded", Throttled),
        (400, "PriorRequestNotComplete", Throttled),
        (503, "SlowDown", Throttled),
        (400, "SnapshotCreationPerVolumeRateExceeded", RateExceeded),
        (400, "ConcurrentSnapshotLimitExceeded", VolumeLimitReached),
        (400, "PendingSnapshotLimitExceeded", LimitReached),
        (400, "SnapshotLimitExceeded", LimitReached),
        (400, "ResourceLimitExceeded", LimitReached),
        (400, "InvalidSnapshot.NotFound", NotFound),
        (400, "InvalidVolume.NotFound", NotFound),
        (400, "InvalidInstanceID.NotFound", NotFound),
        (400, "InvalidSnapshot.InUse", Refused),
        (403, "UnauthorizedOperation", Unauthorized),
        (401, "AuthFailure", Unauthorized),
        (400, "RequestExpired", Unauthorized),
        (400, "ExpiredToken", Unauthorized),
        (400, "InvalidParameterValue", Invalid),
        (400, "IncorrectState", Invalid),
        (400, "TagLimitExceeded", Invalid),
        (400, "FilterLimitExceeded", Invalid),
        (400, "SnapshotCopyUnsupported.InterRegion", Invalid),
        (400, "ConcurrentTagAccess", Ambiguous),
        (500, "InternalError", Ambiguous),
        (503, "Unavailable", Ambiguous),
        (503, "ServiceUnavailable", Ambiguous),
        (500, "RetryableError", Ambiguous),
        (502, "NeverHeardOf", Ambiguous),
        (400, "NeverHeardOf", Unknown),
        (412, "DryRunOperation", Unknown),
    ] {
        endpoint.next(Reply::error(status, code));
        let error = create(&aws).unwrap_err();
        assert_eq!(error, CloudError { kind, code: code.to_owned(), message: "Words of EC2.".to_owned() }, "{status}");
        endpoint.only_request();
        endpoint.forget();
    }
}

#[test]
fn an_answer_without_a_code_says_only_its_status() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let html = "<html><body>Bad Gateway<br></body></html>";
    for (status, body, kind) in [
        (503, "", ErrorKind::Ambiguous),
        (502, html, ErrorKind::Ambiguous),
        (500, "<Response><Errors/></Response>", ErrorKind::Ambiguous),
        (403, "", ErrorKind::Unknown),
        (400, html, ErrorKind::Unknown),
        (404, "<Response><Errors><Error><Code></Code></Error></Errors></Response>", ErrorKind::Unknown),
        (302, "", ErrorKind::Unknown),
    ] {
        endpoint.next(Reply::status(status, body));
        let error = create(&aws).unwrap_err();
        assert_eq!((error.kind, error.code), (kind, format!("Http{status}")), "{body}");
        endpoint.only_request();
        endpoint.forget();
    }
}

#[test]
fn sts_has_errors_of_another_shape() {
    let endpoint = Endpoint::default();
    let aws = endpoint.aws();
    endpoint.next(Reply::status(403, &answers::sts_error("ExpiredToken")));
    let error = run(aws.account(&home())).unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Unauthorized, "Words of STS. (ExpiredToken)"));
    endpoint.only_request();
}

/// A connection that failed somehow proves nothing; only one that was never made does (tests of the wire).
#[test]
fn a_lost_reply_is_no_answer_and_is_not_asked_again() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let how: [fn(_) -> ConnectorError; 4] =
        [ConnectorError::io, ConnectorError::timeout, ConnectorError::user, |error| {
            ConnectorError::other(error, Some(aws_smithy_types::retry::ErrorKind::TransientError))
        }];
    for how in how {
        endpoint.next(Reply::Fails(how));
        let error = create(&aws).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Ambiguous, "NoAnswer"));
        assert!(error.message.ends_with("the connection broke"), "{error}");
        endpoint.only_request();
        endpoint.forget();
    }
    assert_eq!(counted(&aws, Action::CreateSnapshot), 4, "what failed counts too");
}

/// Every call of the seam, after every kind of failure: one request each.
#[test]
fn the_sdk_repeats_nothing() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let failures: [fn() -> Reply; 4] = [
        || Reply::error(503, "RequestLimitExceeded"),
        || Reply::error(500, "InternalError"),
        || Reply::status(504, ""),
        || Reply::Fails(ConnectorError::io),
    ];
    for failure in failures {
        for call in 0..10 {
            endpoint.forget();
            endpoint.next(failure());
            run(fails(&aws, call));
            endpoint.only_request();
        }
    }
    assert_eq!(aws.calls().values().sum::<u64>(), 1 + 40);
    assert_eq!(aws.calls().len(), 10, "every action was asked");
}

async fn fails(aws: &Aws, call: usize) {
    let (home, snapshot) = (&home(), "snap-1".parse().unwrap());
    let request = || snapwarden_exec::cloud::SetRequest {
        instance: "i-1".parse().unwrap(),
        exclude_boot: false,
        exclude_data: Vec::new(),
        description: String::new(),
        tags: tags(&[]),
    };
    let copy = || snapwarden_exec::cloud::CopyRequest {
        source_region: region("us-east-1"),
        source: "snap-1".parse().unwrap(),
        description: String::new(),
        tags: tags(&[]),
    };
    let failed = match call {
        0 => aws.account(home).await.is_err(),
        1 => aws.describe_regions(home).await.is_err(),
        2 => aws.describe_instances(home, None).await.is_err(),
        3 => aws.describe_volumes(home, None).await.is_err(),
        4 => aws.describe_snapshots(home, SnapshotQuery::Ids(vec![snapshot])).await.is_err(),
        5 => aws.create_snapshot(home, &"vol-1".parse().unwrap(), "", &tags(&[])).await.is_err(),
        6 => aws.create_snapshots(home, request()).await.is_err(),
        7 => aws.copy_snapshot(home, copy()).await.is_err(),
        8 => aws.delete_snapshot(home, &snapshot).await.is_err(),
        _ => aws.create_tags(home, &[snapshot], &tags(&[("a", "b")])).await.is_err(),
    };
    assert!(failed, "call {call}");
}
