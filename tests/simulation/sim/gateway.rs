//! Is the gateway that the engine calls: the network, as seen from one process.

use super::book::Call;
use super::clock::virtual_now;
use super::ledgers::Auditor;
use super::network::{Got, Network};
use super::process::Process;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use topup::domain::answer::Reply;
use topup::gateway::{Gateway, Received, Request};
use topup::moment::Moment;

/// The gateway of one process.
pub(crate) struct SimulatedGateway {
    pub(crate) network: Arc<Mutex<Network>>,
    pub(crate) process: Arc<Process>,
    pub(crate) auditor: Arc<Mutex<Auditor>>,
}

/// A call that is ready to leave.
#[derive(Debug)]
pub(crate) struct Prepared {
    call: Call,
    request_id: String,
    /// It may not leave after this moment.
    dies_at: Option<Moment>,
}

impl SimulatedGateway {
    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().expect("no panic holds it")
    }

    /// V4 and V5: what leaves is an intent that the ledger holds.
    fn audit(&self, prepared: &Prepared) {
        if let Call::TopUp { invoice_no, member, points, .. } = &prepared.call {
            let mut auditor = self.auditor.lock().expect("no panic holds it");
            let found = auditor.top_up_leaves(invoice_no, member, *points, &prepared.request_id);
            let found = found.and_then(|()| self.network().leaves_alone(invoice_no));
            if let Err(violation) = found {
                self.process.violate(violation);
            }
        }
    }

    /// A process that is dead does nothing more.
    async fn unless_dead(&self) {
        if !self.process.lives() {
            std::future::pending::<()>().await;
        }
    }
}

impl Gateway for SimulatedGateway {
    type Prepared = Prepared;

    async fn prepare(&self, request: Request, request_id: &str) -> Result<Prepared, String> {
        if !self.process.lives() {
            return Err("the process is dead".to_owned());
        }
        let (mut dies_at, mut held_up) = (None, Duration::ZERO);
        let call = match request {
            Request::MemberInfo { phone, .. } => Call::Member { phone: phone.as_str().to_owned() },
            Request::OrderStatus(invoice_no) => Call::Order { invoice_no: invoice_no.as_str().to_owned() },
            Request::SubmitTopUp(permit) => {
                let top_up = permit.top_up();
                let stamp = self.network().stamp(permit.intended_at());
                (dies_at, held_up) =
                    stamp.map_or((None, Duration::ZERO), |(_, dies_at, held_up)| (Some(dies_at), held_up));
                Call::TopUp {
                    stamp_s: stamp.map(|(stamp_s, ..)| stamp_s),
                    invoice_no: top_up.invoice_no.as_str().to_owned(),
                    member: top_up.member.key(),
                    points: top_up.points.value(),
                }
            }
        };
        if !held_up.is_zero() {
            // The signature takes long, or the machine sleeps.
            sleep(held_up).await;
        }
        Ok(Prepared { call, request_id: request_id.to_owned(), dies_at })
    }

    async fn send(&self, prepared: Prepared) -> Received {
        if !self.process.lives() {
            if matches!(prepared.call, Call::TopUp { .. }) {
                self.network().coverage.hit("run: crashed between intent and send");
            }
            return std::future::pending().await;
        }
        if self.process.copies_now() {
            self.auditor.lock().expect("no panic holds it").copy();
        }
        if prepared.dies_at.is_some_and(|dies_at| virtual_now() > dies_at) {
            self.network().permit_is_dead(Instant::now());
            return Received { reply: Reply::Unsent, message: "dead".to_owned() };
        }
        self.audit(&prepared);
        let sent = self.network().depart(prepared.call, Instant::now());
        sleep_until(sent.ends_at).await;
        self.unless_dead().await;
        let got = self.network().end(&sent, Instant::now());
        let (reply, message) = match got {
            Got::Answer(answer) => (Reply::Answered(answer), "simulated"),
            Got::Lost => (Reply::Lost, "lost"),
            Got::Unsent => (Reply::Unsent, "unsent"),
            // Not a panic: no hook, no message; the runtime takes it for one.
            Got::Panic => std::panic::resume_unwind(Box::new("the worker panics")),
        };
        Received { reply, message: message.to_owned() }
    }
}
