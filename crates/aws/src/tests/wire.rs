//! On loopback, through the real HTTP client: which failures prove that nothing was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::SharedHttpClient;
use snapwarden_exec::cloud::ErrorKind;

use super::endpoint::DATE;
use super::*;
use crate::https::Https;

/// The crate over its own HTTP client.
fn aws(endpoint: &str) -> Aws {
    let provider = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"));
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(SharedHttpClient::new(Https::default()))
        .credentials_provider(provider.clone())
        .endpoint_url(endpoint)
        .build();
    Aws::over(&sdk, provider, home(), crate::ANSWER_MAX_DEFAULT)
}

/// A server on loopback that does `each` with one connection after another; it says how many there were.
fn server(each: &'static [fn(&mut TcpStream)]) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let done = thread::spawn(move || {
        for each in each {
            each(&mut listener.accept().unwrap().0);
        }
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "one connection more than there were requests");
    });
    (format!("http://{address}"), done)
}

/// Reads one request to its end.
pub(super) fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut part) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).unwrap();
        text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        let length = text.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if count == 0 || (body.is_some() && body >= length) {
            return text;
        }
    }
}

pub(super) fn answer(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nDate: {DATE}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

fn knows_the_account(stream: &mut TcpStream) {
    request(stream);
    answer(stream, &answers::account("123456789012"));
}

fn create(aws: &Aws) -> CloudError {
    let volume = "vol-1".parse().unwrap();
    run(async {
        aws.account(&home()).await.unwrap();
        aws.create_snapshot(&home(), &volume, "", &tags(&[])).await.unwrap_err()
    })
}

#[test]
fn what_is_refused_was_never_sent() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = run(aws(&format!("http://{address}")).account(&home())).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "NeverConnected"), "{error}");
    assert!(error.message.contains("refused"), "{error}");
}

#[test]
fn a_name_that_is_nobodys_was_never_reached() {
    let error = run(aws("http://nobody.invalid").account(&home())).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "NeverConnected"), "{error}");
}

#[test]
fn a_peer_that_speaks_no_tls_was_sent_nothing() {
    let (address, done) = server(&[|stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    }]);
    let error = run(aws(&address.replace("http:", "https:")).account(&home())).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "NeverConnected"), "{error}");
    done.join().unwrap();
}

#[test]
fn a_connection_that_closes_after_the_request_is_no_answer() {
    let (address, done) = server(&[knows_the_account, |stream| {
        assert!(request(stream).contains("Action=CreateSnapshot&"));
        stream.shutdown(Shutdown::Both).unwrap();
    }]);
    let error = create(&aws(&address));
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Ambiguous, "NoAnswer"), "{error}");
    done.join().unwrap();
}

#[test]
fn half_an_answer_is_no_answer() {
    let (address, done) = server(&[knows_the_account, |stream| {
        request(stream);
        let head = format!("HTTP/1.1 200 OK\r\nDate: {DATE}\r\nContent-Length: 1000\r\n\r\n<CreateSnapshotResponse>");
        stream.write_all(head.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }]);
    let error = create(&aws(&address));
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Ambiguous, "NoAnswer"), "{error}");
    done.join().unwrap();
}
