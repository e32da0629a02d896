//! Takes one request from its first byte to its answer.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::http::header::{DATE, HeaderValue};
use hyper::http::{HeaderMap, Method};
use hyper::{Request, Response};
use tokio::time::sleep;

use super::answer::Answer;
use super::book::{Delivery, DeliveryFate};
use super::chance::{Chance, Latency};
use super::fault::{Act, Call};
use super::gateway_state::{Delivered, GatewayState, Outcome};
use super::headers::{Clock, Merchant, Signed, timestamp_s, unix_seconds};
use super::link::Link;
use super::members::Members;
use super::plan::{Drawn, FaultPlan};
use super::requests::Asked;
use super::wire::{AnswerBody, GATEWAY_PATH, Hangup, REDIRECTED, Reply, json, render};

/// No request of the protocol comes near this.
const BODY_MAX: usize = 64 * 1_024;

/// All that the requests of one simulator share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) merchant: Merchant,
    pub(super) members: Members,
    pub(super) latency: Latency,
    pub(super) started: Instant,
    desk: Mutex<GatewayState>,
}

/// A request that was read in full.
#[derive(Debug)]
struct Envelope {
    call: Option<Call>,
    asked: Result<Asked, Answer>,
    method: Method,
    headers: HeaderMap,
    /// The exact bytes; none if there were too many of them.
    body: Option<Bytes>,
    /// When its head came, since the simulator started.
    at: Duration,
}

impl Shared {
    pub(super) fn new(merchant: Merchant, members: Members, latency: Latency, plan: FaultPlan) -> Self {
        Self { merchant, members, latency, started: Instant::now(), desk: Mutex::new(GatewayState::new(plan)) }
    }

    /// The desk. A request that panicked is one that was not answered: the others go on.
    pub(super) fn desk(&self) -> MutexGuard<'_, GatewayState> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The desk, with everything in the book that is due.
    pub(super) fn settled_desk(&self) -> MutexGuard<'_, GatewayState> {
        let mut desk = self.desk();
        desk.land_all_late(&self.members, self.started.elapsed());
        desk
    }

    /// Counts a request and draws what happens to it. One that breaks a rule has no subject to draw for: it is
    /// always answered plainly.
    fn draw(&self, envelope: &Envelope) -> (Drawn, Chance, Arc<FaultPlan>) {
        let mut desk = self.desk();
        desk.stats.note_arrival(envelope.call, envelope.at);
        let plan = Arc::clone(&desk.plan);
        let (Some(call), Ok(asked)) = (envelope.call, &envelope.asked) else {
            return (Drawn::default(), Chance::of(plan.seed()), plan);
        };
        let nth = desk.count(call, asked.subject());
        drop(desk);
        let chance = plan.chance(call, asked.subject(), nth);
        (plan.draw(call, chance), chance, plan)
    }

    /// Does what the request asks for, unless the fault keeps it from the gateway, and counts it all.
    fn process(&self, envelope: &Envelope, drawn: Drawn, clock: Clock) -> Outcome {
        let outcome = match drawn.wire {
            Some(fault) if !fault.applied => self.pass_over(envelope),
            wire => self.admit(envelope, wire.map(|fault| fault.act), clock),
        };
        let mut desk = self.desk();
        for fault in [drawn.wire.filter(|_| outcome.fault_hit), drawn.pace].into_iter().flatten() {
            tracing::trace!(fault = fault.name, credited = outcome.credited, "fault injected");
            desk.stats.note_fault(fault.name, outcome.credited);
        }
        outcome
    }

    /// The gateway never looks at the request; the book only notes that it came.
    fn pass_over(&self, envelope: &Envelope) -> Outcome {
        if let Ok(Asked::TopUp(top_up)) = &envelope.asked {
            self.desk().note_delivery(&self.members, top_up, envelope.delivery(DeliveryFate::Unprocessed));
        }
        Outcome::plain(Answer::code(200))
    }

    fn admit(&self, envelope: &Envelope, act: Option<Act>, clock: Clock) -> Outcome {
        // The expensive part, the signature, is checked outside the lock.
        let admitted = match &envelope.body {
            Some(body) => {
                let signed = Signed { path: GATEWAY_PATH, method: envelope.method.as_str(), body };
                self.merchant.admit(&envelope.headers, signed, clock)
            }
            None => Err(Answer::invalid(format!("body: expected at most {BODY_MAX} bytes, found more"))),
        };
        let now = self.started.elapsed();
        let mut desk = self.desk();
        let checked = admitted.and_then(|nonce| {
            let fresh = desk.nonces.admit(nonce, now);
            desk.stats.replayed_nonces += u64::from(!fresh);
            if fresh { Ok(nonce) } else { Err(Answer::code(4_010_006)) }
        });
        let outcome = match (checked, &envelope.asked) {
            (Err(answer), asked) => {
                if let (4_010_004, Ok(Asked::TopUp(top_up))) = (answer.code, asked) {
                    desk.stats.refused_late += 1;
                    let delivery = envelope.delivery(DeliveryFate::Refused(answer.code));
                    desk.note_delivery(&self.members, top_up, delivery);
                }
                Outcome { fault_hit: false, ..Outcome::plain(answer) }
            }
            (Ok(_), Err(answer)) => Outcome::plain(answer.clone()),
            (Ok(nonce), Ok(asked)) => self.decide(&mut desk, asked, envelope.delivered(nonce), act, now),
        };
        let stats = &mut desk.stats;
        stats.signature_failures += u64::from(outcome.answer.code == 4_010_001);
        if let Some(detail) = &outcome.answer.detail {
            stats.note_invalid(detail);
        }
        *stats.codes.entry(outcome.answer.code).or_default() += 1;
        outcome
    }

    fn decide(
        &self,
        desk: &mut GatewayState,
        asked: &Asked,
        delivery: Delivered<'_>,
        act: Option<Act>,
        now: Duration,
    ) -> Outcome {
        let mut outcome = match asked {
            Asked::MemberInfo { phone, card_no } => {
                GatewayState::member_info(&self.members, phone, card_no.as_deref(), act)
            }
            Asked::OrderStatus { invoice_no } => desk.order_status(&self.members, invoice_no, act, now),
            Asked::TopUp(top_up) => desk.top_up(&self.members, top_up, Some(delivery), act, now),
        };
        // The second of the two deliveries is the proxy's, not the client's: it is not in the book.
        match (act, asked) {
            (Some(Act::Duplicate), _) => outcome.answer = Answer::code(4_010_006),
            (Some(Act::DuplicateInvoice), Asked::TopUp(top_up)) => {
                outcome.answer = desk.top_up(&self.members, top_up, None, None, now).answer;
            }
            _ => {}
        }
        outcome
    }
}

/// Answers one request, or hangs up.
pub(super) async fn respond(shared: Arc<Shared>, link: Arc<Link>, request: Request<Incoming>) -> Reply {
    let at = shared.started.elapsed();
    let (head, incoming) = request.into_parts();
    let body = collect(incoming).await?;
    // A client that follows a 301 or 302 comes back with GET, one that follows a 307 or 308 with POST.
    if head.uri.path() == GATEWAY_PATH && head.uri.query().is_some_and(|query| query.starts_with(REDIRECTED)) {
        shared.desk().stats.redirects_followed += 1;
    }
    match (&head.method, head.uri.path()) {
        (&Method::POST, GATEWAY_PATH) => {
            let envelope = Envelope::new(head.method, head.headers, body, at);
            gateway(shared, link, envelope).await
        }
        (&Method::GET, "/book") => Ok(json(200, Bytes::from(shared.settled_desk().book.to_json().to_string()))),
        (&Method::GET, "/stats") => Ok(stats(&shared)),
        (&Method::POST, "/faults") => Ok(change_faults(&shared, body.as_deref())),
        (_, GATEWAY_PATH) => Ok(error(405, "expected POST")),
        _ => Ok(error(404, "expected the gateway's path, /book, /stats or /faults")),
    }
}

async fn gateway(shared: Arc<Shared>, link: Arc<Link>, envelope: Envelope) -> Reply {
    let (drawn, chance, plan) = shared.draw(&envelope);
    let settings = plan.settings();
    let clock = settings.clock();
    let delay = shared.latency.delay(chance.with(3));
    let pace = drawn.pace.map(|fault| fault.act);
    let outcome = if pace == Some(Act::Delayed) {
        let (shared, slow) = (Arc::clone(&shared), settings.slow);
        // A task of its own: the request is processed even if the client has gone.
        let processed = tokio::spawn(async move {
            sleep(slow).await;
            shared.process(&envelope, drawn, clock)
        });
        processed.await.map_err(|_| Hangup { reset: false })?
    } else {
        shared.process(&envelope, drawn, clock)
    };
    let pause = delay + if pace == Some(Act::Slow) { settings.slow } else { Duration::ZERO };
    if !pause.is_zero() {
        sleep(pause).await;
    }
    // A request that is refused on its headers, or gives its fault nothing to work on, is answered plainly.
    let act = drawn.wire.filter(|_| outcome.fault_hit).map(|fault| fault.act);
    let mut response = render(act, &outcome.answer, settings)?;
    if pace == Some(Act::IdleClose) {
        response.body_mut().notify_written(Arc::clone(&link.close_when_idle));
    }
    if settings.skew_s != 0 {
        date(&mut response, settings.skew_s);
    }
    Ok(response)
}

impl Envelope {
    /// Reads what the request asks for.
    fn new(method: Method, headers: HeaderMap, body: Option<Bytes>, at: Duration) -> Self {
        let api_code = headers.get("x-api-code");
        let call = api_code.and_then(|code| Call::from_api_code(code.as_bytes()));
        let asked = match (call, api_code) {
            (Some(call), _) => Asked::read(call, body.as_deref().unwrap_or_default()).map_err(Answer::invalid),
            (None, None) => Err(Answer::invalid("x-api-code: expected one, found none".to_owned())),
            (None, Some(_)) => Err(Answer::code(4_040_201)),
        };
        Self { call, asked, method, headers, body, at }
    }

    /// That it came, as the book keeps it.
    fn delivery(&self, fate: DeliveryFate) -> Delivery {
        let nonce = self.headers.get("x-nonce").and_then(|nonce| nonce.to_str().ok()).unwrap_or_default();
        Delivery { at: self.at, nonce: nonce.to_owned(), fate }
    }

    /// That it came, and was let in.
    fn delivered<'a>(&self, nonce: &'a str) -> Delivered<'a> {
        Delivered { nonce, at: self.at, sent_s: timestamp_s(&self.headers).unwrap_or_default() }
    }
}

/// Reads a body to its end; `None` if it is longer than any sane one. The client may hang up half-way.
async fn collect(mut incoming: Incoming) -> Result<Option<Bytes>, Hangup> {
    let mut whole = Vec::new();
    let mut too_long = false;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Hangup { reset: false })?;
        if let Ok(data) = frame.into_data() {
            too_long |= whole.len() + data.len() > BODY_MAX;
            if !too_long {
                whole.extend_from_slice(&data);
            }
        }
    }
    Ok((!too_long).then(|| Bytes::from(whole)))
}

fn stats(shared: &Shared) -> Response<AnswerBody> {
    let (stats, plan) = {
        let desk = shared.settled_desk();
        (desk.stats.clone(), Arc::clone(&desk.plan))
    };
    let mut stats = stats.to_json();
    stats["plan"] = plan.to_string().into();
    json(200, Bytes::from(stats.to_string()))
}

fn change_faults(shared: &Shared, body: Option<&[u8]>) -> Response<AnswerBody> {
    let text = String::from_utf8_lossy(body.unwrap_or_default());
    match text.parse::<FaultPlan>() {
        Ok(plan) => {
            let answer = serde_json::json!({ "plan": plan.to_string() });
            shared.desk().plan = Arc::new(plan);
            json(200, Bytes::from(answer.to_string()))
        }
        Err(problem) => error(400, &problem.to_string()),
    }
}

fn error(status: u16, message: &str) -> Response<AnswerBody> {
    json(status, Bytes::from(serde_json::json!({ "error": message }).to_string()))
}

/// Sends the date of a clock that is off; with a right one hyper sends it.
fn date(response: &mut Response<AnswerBody>, skew_s: i64) {
    let now_s = i64::try_from(unix_seconds(skew_s)).unwrap_or(i64::MAX);
    let text = jiff::Timestamp::from_second(now_s)
        .and_then(|now| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now));
    if let Some(value) = text.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(DATE, value);
    }
}
