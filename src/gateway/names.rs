//! Looks the gateway's name up, and keeps the answer for a while: each top-up makes a connection of its own, and would
//! otherwise ask the name server each time.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer is used: a gateway that moves is followed within it.
const KEPT: Duration = Duration::from_secs(30);
/// How long an answer serves a run whose name server does not answer. Whoever is at the address needs the gateway's
/// certificate.
const SERVES: Duration = Duration::from_secs(600);

type Problem = Box<dyn Error + Send + Sync>;

/// The gateway's name and its addresses; both of its clients share one.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<Mutex<Option<Found>>>);

#[derive(Clone, Debug)]
struct Found {
    name: String,
    addresses: Vec<SocketAddr>,
    at: Instant,
}

impl Names {
    async fn addresses(
        &self,
        name: &str,
        look_up: impl Future<Output = std::io::Result<Vec<SocketAddr>>>,
    ) -> Result<Vec<SocketAddr>, Problem> {
        // Held while the name is looked up: who comes meanwhile waits for that answer instead of asking too.
        let mut found = self.0.lock().await;
        let known = found.as_ref().filter(|found| found.name == name);
        let age = known.map_or(Duration::MAX, |found| found.at.elapsed());
        if let Some(known) = known.filter(|_| age < KEPT) {
            return Ok(known.addresses.clone());
        }
        match look_up.await {
            Ok(addresses) if !addresses.is_empty() => {
                *found = Some(Found { name: name.to_owned(), addresses: addresses.clone(), at: Instant::now() });
                Ok(addresses)
            }
            result => match known.filter(|_| age < SERVES) {
                Some(known) => Ok(known.addresses.clone()),
                None => Err(result.err().map_or_else(|| "the name has no address".into(), Problem::from)),
            },
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            // Port 0 stands for the URL's.
            let look_up = async { Ok(lookup_host((name.as_str(), 0)).await?.collect()) };
            let addresses = names.addresses(name.as_str(), look_up).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use std::io::{Error as IoError, Result as IoResult};

    fn is(port: u16) -> IoResult<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }

    async fn port(names: &Names, answer: IoResult<Vec<SocketAddr>>) -> Result<u16, String> {
        let found = names.addresses("gateway.example", ready(answer)).await;
        found.map(|addresses| addresses[0].port()).map_err(|problem| problem.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_while_and_longer_where_none_comes() {
        let names = Names::default();
        let silent = || Err(IoError::other("no answer"));
        assert_eq!(port(&names, silent()).await, Err("no answer".to_owned()));
        assert_eq!(port(&names, is(1)).await, Ok(1));
        assert_eq!(port(&names, is(2)).await, Ok(1), "kept");
        tokio::time::advance(KEPT).await;
        assert_eq!(port(&names, silent()).await, Ok(1), "the last one serves");
        assert_eq!(port(&names, is(2)).await, Ok(2), "a new one counts");
        tokio::time::advance(SERVES).await;
        assert_eq!(port(&names, Ok(Vec::new())).await, Err("the name has no address".to_owned()));
        assert!(names.addresses("other.example", ready(silent())).await.is_err(), "another name");
    }
}
