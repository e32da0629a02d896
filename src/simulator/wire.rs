//! Puts an answer on the wire: whole, or as badly as a fault wants it.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::http::StatusCode;
use hyper::http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use super::answer::Answer;
use super::fault::Act;
use super::plan_settings::Settings;

/// The gateway's one address.
pub(super) const GATEWAY_PATH: &str = "/merchant-integration/v1/gateway";
/// The same address as redirects name it: the query tells a client that followed from one that came by itself.
pub(super) const REDIRECTED: &str = "redirected";

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const CHALLENGE: &str = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>\
    <noscript>Enable JavaScript and cookies to continue</noscript></body></html>";
const CHUNK: usize = 64 * 1_024;

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the simulator closes the connection (reset: {reset})")]
pub(super) struct Hangup {
    /// With a reset instead of an orderly close.
    pub(super) reset: bool,
}

/// A response, or none.
pub(super) type Reply = Result<Response<AnswerBody>, Hangup>;

/// Renders what the gateway decided, through the fault that happens to it.
pub(super) fn render(act: Option<Act>, answer: &Answer, settings: &Settings) -> Reply {
    let status = answer.status();
    let Some(act) = act else { return Ok(json(status, answer.bytes())) };
    match act {
        Act::Drop | Act::Late | Act::OrderError { answered: false } => Err(Hangup { reset: false }),
        Act::Reset => Err(Hangup { reset: true }),
        Act::CutAfterHead => Ok(scripted(status, JSON, cut(&answer.bytes(), 0))),
        Act::CutInBody => Ok(scripted(status, JSON, cut(&answer.bytes(), answer.bytes().len() / 2))),
        Act::TruncatedJson => Ok(json(status, answer.bytes().slice(..answer.bytes().len() / 2))),
        Act::InvalidJson => Ok(json(200, Bytes::from_static(b"{\"meta\":{\"code\":200,}}"))),
        Act::EmptyBody => Ok(json(200, Bytes::new())),
        Act::HtmlPage => Ok(page(200, "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>".to_owned())),
        Act::Challenge => Ok(page(403, CHALLENGE.to_owned())),
        Act::ErrorPage(status) => Ok(page(status, format!("<html><body><h1>{status} Error</h1></body></html>"))),
        Act::Code(code) => {
            let answer = Answer::code(code);
            Ok(json(answer.status(), answer.bytes()))
        }
        Act::TooMany { retry_after } => Ok(too_many(retry_after.then_some(settings.retry_after_s))),
        Act::Redirect(status) => Ok(redirect(status)),
        Act::Oversized => Ok(scripted(200, JSON, oversized(settings.oversized_mib))),
        Act::Trickle => Ok(scripted(status, JSON, trickle(&answer.bytes(), settings.trickle))),
        Act::Duplicate
        | Act::DuplicateInvoice
        | Act::OrderError { answered: true }
        | Act::ResendRefused(_)
        | Act::StatusAbsent
        | Act::StatusOdd(..)
        | Act::StatusPhone { .. }
        | Act::NoData
        | Act::MemberStatus(_)
        | Act::Slow
        | Act::Delayed
        | Act::IdleClose
        | Act::Lag
        | Act::RefusalBurns
        | Act::AbsentAs404 => Ok(json(status, answer.bytes())),
    }
}

/// A JSON response.
pub(super) fn json(status: u16, bytes: Bytes) -> Response<AnswerBody> {
    response(status, JSON, AnswerBody::whole(bytes))
}

fn page(status: u16, html: String) -> Response<AnswerBody> {
    response(status, HTML, AnswerBody::whole(Bytes::from(html)))
}

fn scripted(status: u16, content_type: &'static str, steps: VecDeque<Step>) -> Response<AnswerBody> {
    response(status, content_type, AnswerBody::scripted(steps))
}

fn response(status: u16, content_type: &'static str, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    // Every status in the fault table is a valid one; a slip there shows as a 500.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn too_many(retry_after_s: Option<u32>) -> Response<AnswerBody> {
    let mut response = json(429, Bytes::from_static(b"{\"message\":\"API rate limit exceeded\"}"));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn redirect(status: u16) -> Response<AnswerBody> {
    let mut response = page(status, String::new());
    if let Ok(location) = HeaderValue::from_str(&format!("{GATEWAY_PATH}?{REDIRECTED}={status}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The first `kept` bytes of a body that promises all of them.
fn cut(whole: &Bytes, kept: usize) -> VecDeque<Step> {
    let first = Step::Bytes(whole.slice(..kept));
    // Without the breath hyper would find the cut before it has flushed what stands in front of it.
    [first, Step::Breath, Step::Cut { missing: (whole.len() - kept) as u64 }].into()
}

fn trickle(whole: &Bytes, pause: Duration) -> VecDeque<Step> {
    (0..whole.len()).flat_map(|at| [Step::Pause(pause), Step::Bytes(whole.slice(at..=at))]).collect()
}

/// A right answer, but for a message of many MiB.
fn oversized(mib: u32) -> VecDeque<Step> {
    let filler = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = mib as usize * (1_024 * 1_024 / CHUNK);
    let mut steps = VecDeque::with_capacity(chunks + 2);
    steps.push_back(Step::Bytes(Bytes::from_static(b"{\"meta\":{\"code\":200,\"message\":\"")));
    steps.extend((0..chunks).map(|_| Step::Bytes(filler.clone())));
    steps.push_back(Step::Bytes(Bytes::from_static(b"\"}}")));
    steps
}

/// One thing that a body does.
#[derive(Debug)]
enum Step {
    Bytes(Bytes),
    /// Lets the connection write out what it has.
    Breath,
    Pause(Duration),
    /// Fails, with so many promised bytes left.
    Cut {
        missing: u64,
    },
}

/// The body of a response.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    /// The pause between two steps that is under way.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Told when the body was written.
    written: Option<Arc<Notify>>,
}

#[derive(Debug)]
enum Content {
    /// An ordinary answer.
    Whole(Bytes),
    /// What a fault has made of one.
    Scripted(VecDeque<Step>),
}

impl AnswerBody {
    fn whole(bytes: Bytes) -> Self {
        Self { content: Content::Whole(bytes), sleep: None, written: None }
    }

    fn scripted(steps: VecDeque<Step>) -> Self {
        Self { content: Content::Scripted(steps), sleep: None, written: None }
    }

    /// Tells `notify` once hyper is done with the body.
    pub(super) fn notify_written(&mut self, notify: Arc<Notify>) {
        self.written = Some(notify);
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        let steps = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Whole(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Scripted(steps) => steps,
        };
        match steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Bytes(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Step::Breath) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Pause(pause)) => {
                self.sleep = Some(Box::pin(sleep(pause)));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Cut { .. }) => Poll::Ready(Some(Err(io::Error::other("the simulator cuts the answer")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Scripted(steps) => steps.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = match &self.content {
            Content::Whole(bytes) => bytes.len() as u64,
            Content::Scripted(steps) => steps.iter().map(Step::length).sum(),
        };
        SizeHint::with_exact(length)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(written) = &self.written {
            written.notify_one();
        }
    }
}

impl Step {
    /// How many bytes of the promised length the step stands for.
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Cut { missing } => *missing,
            Self::Breath | Self::Pause(_) => 0,
        }
    }
}
