//! The HTTP client: TLS by ring, the proxy of the environment, one pool of connections for all Regions.
//!
//! It is our own because the SDK's is built with another TLS library, which takes longer to build, and reads the
//! system's certificates anew for every client, of which there is one a Region.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A connection that lay idle for this long is not used again: the endpoint may be closing it, and a request that
/// crosses with that has no answer. A create without an answer costs a snapshot until the next run.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// What a connector is made for: how long it may take to connect, and to the first byte of the answer.
type Timeouts = (Option<Duration>, Option<Duration>);

/// The client. Connectors are kept by their timeouts: ours, and those that credentials are asked for with.
#[derive(Debug, Default)]
pub(crate) struct Https(Mutex<Vec<(Timeouts, SharedHttpConnector)>>);

impl HttpClient for Https {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = known.iter().find(|(of, _)| *of == timeouts) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(connector(settings, components));
        known.push((timeouts, connector.clone()));
        connector
    }
}

fn connector(settings: &HttpConnectorSettings, components: &RuntimeComponents) -> Connector {
    let mut builder = Connector::builder();
    builder.set_sleep_impl(components.sleep_impl());
    builder
        .connector_settings(settings.clone())
        .pool_idle_timeout(IDLE_MAX)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}
