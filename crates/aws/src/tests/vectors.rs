//! What botocore sends for a CopySnapshot at a fixed time: testdata/presigned, written by scripts/presigned-vectors.

use std::collections::BTreeMap;
use std::path::Path;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;

/// One of botocore's requests, and what it was made from.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Vector {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) time: Timestamp,
    pub(crate) own_endpoint: Option<String>,
    pub(crate) settings: Vec<String>,
    pub(crate) source_region: String,
    pub(crate) destination_region: String,
    pub(crate) source: String,
    pub(crate) description: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) sent_to: String,
    pub(crate) sent: BTreeMap<String, String>,
    pub(crate) presigned_url: String,
}

impl Vector {
    pub(crate) fn credentials(&self) -> Credentials {
        let token = self.session_token.clone();
        Credentials::new(&self.access_key_id, &self.secret_access_key, token, None, "vector")
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/presigned")
}

fn read(path: &Path) -> Vector {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn named(name: &str) -> Vector {
    read(&folder().join(name).with_extension("json"))
}

pub(crate) fn all() -> BTreeMap<String, Vector> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let all: BTreeMap<_, _> =
        files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(&path))).collect();
    assert!(all.len() >= 10, "{}", all.len());
    all
}
