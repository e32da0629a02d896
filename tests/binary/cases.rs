//! Runs many cases of one test side by side: each mostly waits, and has a stage of its own.

use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Cases under way at once.
const AT_ONCE: usize = 6;

/// Runs every case, and fails with the name of each that failed.
pub(crate) async fn for_each<C, F>(cases: impl IntoIterator<Item = C>, run: impl Fn(C) -> F)
where
    C: std::fmt::Debug,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut names = std::collections::HashMap::new();
    for case in cases {
        let name = format!("{case:?}");
        let (places, task) = (Arc::clone(&places), run(case));
        let handle = tasks.spawn(async move {
            let _place = places.acquire().await;
            task.await;
        });
        names.insert(handle.id(), name);
    }
    let mut failed = Vec::new();
    while let Some(ended) = tasks.join_next_with_id().await {
        if let Err(error) = ended {
            failed.push(names.remove(&error.id()).unwrap_or_default());
        }
    }
    assert!(failed.is_empty(), "these cases failed, for the reasons above: {failed:#?}");
}
