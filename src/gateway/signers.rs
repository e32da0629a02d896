//! Makes signatures on threads of their own, one a processor: each takes half a millisecond, in which no answer could
//! be read.
//!
//! What waits is in one queue, and a thread that is done takes the next without sleeping: with tokio's threads for what
//! blocks, each signature cost two switches of threads.

use super::key::PrivateKey;
use super::signature::signature;
use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The threads that sign; they end with it.
pub(super) struct Signers(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    comes: Condvar,
}

/// What the threads have to do. The run bounds it: who waits for a signature holds a slot.
#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Threads that sleep: only they are woken.
    idle: usize,
    closed: bool,
}

struct Job {
    raw: Vec<u8>,
    signed: oneshot::Sender<Option<String>>,
}

impl Signers {
    pub(super) fn start(key: PrivateKey) -> io::Result<Self> {
        let signers = Self(Arc::default());
        let key = Arc::new(key);
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            let (queue, key) = (Closing(Arc::clone(&signers.0)), Arc::clone(&key));
            let signing = move || {
                while let Some(job) = queue.0.next() {
                    // Who no longer waits wants no signature.
                    if !job.signed.is_closed() {
                        drop(job.signed.send(signature(&key, &job.raw)));
                    }
                }
            };
            std::thread::Builder::new().name("signer".to_owned()).spawn(signing)?;
        }
        Ok(signers)
    }

    /// The header `X-Signature` over these bytes; `None` only if the system's randomness failed.
    ///
    /// # Errors
    /// A text for people when a thread panicked.
    pub(super) async fn sign(&self, raw: Vec<u8>) -> Result<Option<String>, String> {
        let (signed, signature) = oneshot::channel();
        self.0.push(Job { raw, signed });
        signature.await.map_err(|_| "the signer panicked".to_owned())
    }
}

impl Drop for Signers {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Closes the queue however its thread ends: where one panicked, nobody may wait for ever.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Queue {
    fn push(&self, job: Job) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.jobs.push_back(job);
        let wakes = waiting.idle > 0;
        drop(waiting);
        if wakes {
            self.comes.notify_one();
        }
    }

    /// The next one, once it comes; `None` when the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            waiting.idle += 1;
            waiting = self.comes.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        let unsigned = std::mem::take(&mut waiting.jobs);
        drop(waiting);
        self.comes.notify_all();
        // Outside of the lock: it wakes who waits for them.
        drop(unsigned);
    }

    /// A panic while the lock was held left the queue whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::tests::key_pem;

    fn key() -> PrivateKey {
        PrivateKey::from_pem(key_pem(), "this text", None).unwrap()
    }

    #[tokio::test]
    async fn each_gets_the_signature_of_its_own_bytes() {
        let (signers, key_again) = (Arc::new(Signers::start(key()).unwrap()), key());
        let signing = (0..50_u8).map(|byte| {
            let signers = Arc::clone(&signers);
            tokio::spawn(async move { (byte, signers.sign(vec![byte; 250]).await) })
        });
        for signed in signing.collect::<Vec<_>>() {
            let (byte, signed) = signed.await.unwrap();
            assert_eq!(signed.unwrap(), signature(&key_again, &[byte; 250]));
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_thread_that_panicked() {
        let signers = Signers(Arc::default());
        // No thread takes it: it waits until the one there is has ended.
        let waits = signers.sign(vec![1]);
        let ends = async { drop(Closing(Arc::clone(&signers.0))) };
        let (waited, ()) = tokio::join!(biased; waits, ends);
        assert_eq!(waited.unwrap_err(), "the signer panicked");
        assert_eq!(signers.sign(vec![2]).await.unwrap_err(), "the signer panicked");
    }
}
