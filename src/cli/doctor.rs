//! `topup doctor`: checks everything that a run rests on, and makes one signed call that cannot move a point.

use super::context::{Context, unix_ms};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::setup;
use crate::domain::answer::{Answer, Reply};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::RowKey;
use crate::gateway::{Gateway, HttpGateway, PrivateKey, Received, Request};
use crate::ledger::{Access, Ledger};
use anyhow::{Context as _, anyhow};
use serde_json::json;
use std::fmt::Write;

/// More than this, and the gateway may take a request for one from the future (`X-Timestamp`); ours are 10 s old.
const SKEW_S_MAX: i64 = 8;

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Ok,
    Warning,
    Failure,
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What was looked at, line by line.
#[derive(Debug, Default)]
struct Findings {
    lines: Vec<(&'static str, Finding, String)>,
    exit: Option<Exit>,
}

impl Findings {
    fn add(&mut self, what: &'static str, finding: Finding, text: impl Into<String>) {
        self.lines.push((what, finding, text.into()));
    }

    /// The first failure decides the exit status.
    fn fail(&mut self, what: &'static str, exit: Exit, text: impl Into<String>) {
        self.exit.get_or_insert(exit);
        self.add(what, Finding::Failure, text);
    }

    /// Notes a failure, and goes on without what it was to give.
    fn take<T>(&mut self, what: &'static str, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.fail(what, failure.exit, failure.to_string())).ok()
    }
}

pub(super) fn doctor(context: &Context) -> Result<Report, Failure> {
    let mut findings = Findings::default();
    check_configuration(context, &mut findings);
    check_key(context, &mut findings);
    check_ledger(context, &mut findings);
    if findings.exit.is_none() {
        check_gateway(context, &mut findings)?;
    }
    let mut text = String::new();
    for (what, finding, line) in &findings.lines {
        let _ = writeln!(text, "{:<8} {what:<14} {}", finding.word(), line.replace('\n', "\n                        "));
    }
    let checks: Vec<_> = findings
        .lines
        .iter()
        .map(|(what, finding, text)| json!({"check": what, "result": finding.word(), "text": text}))
        .collect();
    Ok(Report { exit: findings.exit.unwrap_or(Exit::Done), json: json!({"checks": checks}), text })
}

fn check_configuration(context: &Context, findings: &mut Findings) {
    let file = context
        .config
        .file
        .as_ref()
        .map_or_else(|| "no file: environment and defaults only".to_owned(), |path| path.display().to_string());
    findings.add("configuration", Finding::Ok, file);
    let settings = setup::gateway_settings(&context.config);
    if let Some(settings) = findings.take("gateway", settings) {
        let url = &settings.url;
        findings.add(
            "gateway",
            Finding::Ok,
            format!("{}, merchant {}, terminal {}", url.origin(), settings.merchant_id, settings.terminal_id),
        );
    }
    let run = setup::run_settings(&context.config, crate::engine::Mode::Pay, 0);
    if let Some(run) = findings.take("settings", run) {
        let text = format!("{} requests/s, settle time {} s", run.rate_per_s, run.policy.settle.as_secs_f64());
        findings.add("settings", Finding::Ok, text);
    }
}

fn check_key(context: &Context, findings: &mut Findings) {
    let key = context.config.path("gateway.private_key").and_then(|path| Ok((PrivateKey::load(&path)?, path)));
    if let Some((key, path)) = findings.take("private key", key) {
        findings.add("private key", Finding::Ok, format!("{}, RSA {} bits", path.display(), key.bits()));
    }
}

fn check_ledger(context: &Context, findings: &mut Findings) {
    let path = &context.ledger_path;
    if !path.exists() {
        findings.add(
            "ledger",
            Finding::Warning,
            format!("{} does not exist yet; `topup run` creates it", path.display()),
        );
        return;
    }
    let batches = Ledger::open(path, Access::Read).and_then(|ledger| ledger.batches()).map_err(Failure::from);
    if let Some(batches) = findings.take("ledger", batches) {
        findings.add("ledger", Finding::Ok, format!("{}, {} batches", path.display(), batches.len()));
    }
}

/// One signed call: order status of a number that nobody used.
fn check_gateway(context: &Context, findings: &mut Findings) -> Result<(), Failure> {
    let gateway = setup::gateway(&context.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
        .map_err(|error| Failure::new(Exit::Failed, "runtime", error))?;
    let received = runtime.block_on(ask(context, &gateway))?;
    match &received.reply {
        Reply::Unsent => findings.fail("signed call", Exit::Failed, format!("no connection: {}", received.message)),
        Reply::Lost => findings.fail("signed call", Exit::Failed, format!("no answer: {}", received.message)),
        Reply::Answered(answer) => {
            judge_answer(answer, &received, findings);
            judge_clock(answer, findings);
        }
    }
    Ok(())
}

async fn ask(context: &Context, gateway: &HttpGateway) -> Result<Received, Failure> {
    let failed = |message: String| Failure::new(Exit::Failed, "signed_call", anyhow!(message));
    let binding = setup::binding(&context.config)?;
    let batch = BatchName::parse("doctor").map_err(|problem| failed(problem.to_string()))?;
    let nobody = RowKey::reference(&format!("{:032x}", fastrand::u128(..)));
    let invoice_no = InvoiceNo::derive(&binding.invoice_prefix, &binding.merchant_id, &batch, &nobody, 1);
    let prepared = gateway.prepare(Request::OrderStatus(invoice_no), "doctor").await.map_err(failed)?;
    Ok(gateway.send(prepared).await)
}

fn judge_answer(answer: &Answer, received: &Received, findings: &mut Findings) {
    let code = answer.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let said = format!("HTTP {}, code {code}: {}", answer.http, received.message);
    match (answer.http, answer.code) {
        (200 | 404, Some(4_040_001)) => {
            findings.add("signed call", Finding::Ok, format!("key, merchant and signature are accepted ({said})"));
        }
        (_, Some(4_010_001..=4_010_006 | 4_030_001 | 4_040_201 | 4_030_302 | 403_100)) => {
            findings.fail("signed call", Exit::Credentials, format!("the gateway refuses us: {said}"));
        }
        _ => findings.fail("signed call", Exit::Failed, format!("expected code 4040001 (no such order), found {said}")),
    }
}

fn judge_clock(answer: &Answer, findings: &mut Findings) {
    let Some(theirs) = answer.date_unix_s else {
        return findings.add("clock", Finding::Warning, "the answer has no Date to compare with");
    };
    let skew = unix_ms() / 1000 - theirs;
    if skew.abs() <= SKEW_S_MAX {
        findings.add("clock", Finding::Ok, format!("within {} s of the gateway's", skew.abs()));
    } else {
        let side = if skew > 0 { "ahead of" } else { "behind" };
        let text = format!("{} s {side} the gateway's\nhint: set this machine's clock", skew.abs());
        findings.add("clock", Finding::Warning, text);
    }
}
