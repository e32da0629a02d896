//! Makes large ledgers through the program's own library: a million payouts planned, or credited with their history.

use crate::Outcome;
use crate::program::Place;
use std::path::Path;
use std::time::Duration;
use topup::domain::batch_name::BatchName;
use topup::domain::event::{Event, Fate, MemberAnswer};
use topup::domain::invoice_no::InvoicePrefix;
use topup::domain::payout_status::State;
use topup::intake::{self, IntakeOptions};
use topup::ledger::{Access, BatchEvent, Binding, Call, Entry, Ledger, Origin, PayoutId, Purpose, Settings, Under};
use topup::plan::{self, Limits, Planned, Resealing, Terms};

/// Plans a file as `topup run` does, consent and all.
pub(crate) fn plan_file(file: &Path, ledger: &Path, gateway_host: &str) -> Outcome<()> {
    let mut ledger = Ledger::open(ledger, Access::Create)?;
    let terms = Terms {
        batch: BatchName::parse("bench").map_err(|problem| problem.to_string())?,
        binding: Binding {
            gateway_host: gateway_host.to_owned(),
            merchant_id: "M001".to_owned(),
            terminal_id: "T001".to_owned(),
            invoice_prefix: InvoicePrefix::parse("TP").ok_or("a prefix")?,
        },
        settings: Settings::default(),
        resealing: Resealing::Refused,
        send_sms: true,
        limits: Limits::default(),
        expect_rows: None,
        allow_repeat_phones: false,
        skip_invalid: false,
        repeat_why: None,
        repeat_window_days: 20,
        now: now_ms()?,
    };
    let text = |text: &str| text.to_owned();
    let origin =
        Origin { file_name: text("rows.csv"), settings: text("{}"), planned_by: text("bench"), planned_at: terms.now };
    match plan::plan(&mut ledger, intake::open(file, &IntakeOptions::default())?, &terms, &origin)? {
        Planned::Draft(draft) => drop(draft.seal("bench", terms.now)?),
        Planned::Known(..) => return Err("the batch was planned before".into()),
        Planned::Refused(refusal) => return Err(refusal.message.into()),
    }
    Ok(())
}

/// Credits every payout of the batch, with the events that a run without faults writes.
pub(crate) async fn credit_all(place: &Place) -> Outcome<()> {
    let ledger = Ledger::open(&place.path("topup.db"), Access::Write)?;
    let batch = ledger.batch("bench")?;
    let run = ledger.into_run(batch.id, &Under::new(Purpose::Pay, batch.binding.clone(), now_ms()?))?;
    let at = now_ms()?;
    run.record_batch(at, BatchEvent::RunStarted("Pay bench".to_owned())).await?;
    let (mut after, mut requests) = (None, 0);
    loop {
        let page = run.payouts_after(State::Planned, after, 4096)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let mut entries = Vec::with_capacity(3 * page.len());
        for payout in &page {
            requests += 2;
            entries.extend(history(payout.id, requests));
        }
        run.record(at, entries).await?;
    }
    run.record_batch(at, BatchEvent::RunEnded("done".to_owned())).await?;
    Ok(run.close()?)
}

fn history(payout: PayoutId, requests: u64) -> [Entry; 3] {
    let call = |number: u64, answered: bool| Call {
        request_id: format!("1a2b3c4d-{number}"),
        http: answered.then_some(200),
        code: answered.then_some(200),
        latency: answered.then_some(Duration::from_millis(85)),
    };
    let entry = |event, before, after, call| Entry {
        payout,
        event,
        before,
        after,
        call: Some(call),
        note: None,
        why: None,
        new_number: None,
        recovered: false,
    };
    [
        entry(Event::MemberAnswered(MemberAnswer::Eligible), State::Planned, State::Planned, call(requests - 1, true)),
        entry(Event::SubmitIntended, State::Planned, State::InDoubt, call(requests, false)),
        entry(Event::SendEnded(Fate::Credited), State::InDoubt, State::Credited, call(requests, true)),
    ]
}

fn now_ms() -> Outcome<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}
