//! What the way to a plan through the use case costs beside the layer that plans: the same file, each way several times.

use crate::ledgers::plan_file;
use crate::program::Place;
use crate::run::write_rows;
use crate::{Outcome, median, print};
use std::fs;
use std::time::{Duration, Instant};
use topup::app::propose::{Consent, PayRequest, ToPay, plan_to_pay};
use topup::app::{
    Actor, BatchName, Context, Door, Failure, FileRequest, Identity, IntakeOptions, News, Settings, Step, StepText,
    StopSignal, Watch, Watched,
};

const ROWS: u64 = 200_000;
const TIMES: usize = 5;

pub(crate) fn planning() -> Outcome<()> {
    let place = Place::new()?;
    write_rows(&place.path("rows.csv"), ROWS)?;
    place.configure("http://127.0.0.1:1", 500)?;
    let (mut through_app, mut directly) = (Vec::new(), Vec::new());
    // By turns, so that whatever else the machine does meets both.
    for _ in 0..TIMES {
        directly
            .push(timed(&place, |place| plan_file(&place.path("rows.csv"), &place.path("topup.db"), "127.0.0.1:1"))?);
        through_app.push(timed(&place, propose)?);
    }
    let of = |taken| median(taken).map(|taken: Duration| taken.as_secs_f64()).ok_or("nothing was measured");
    let (through_app, directly) = (of(through_app)?, of(directly)?);
    let found = format!("{through_app:.2} s / {directly:.2} s = {:.2}", through_app / directly);
    print("planning 200,000 rows through app / plan alone", &found, "1.05");
    Ok(())
}

/// How long it takes in a new ledger.
fn timed(place: &Place, plan: impl FnOnce(&Place) -> Outcome<()>) -> Outcome<Duration> {
    for file in ["topup.db", "topup.db-wal", "topup.db-shm"] {
        match fs::remove_file(place.path(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let started = Instant::now();
    plan(place)?;
    Ok(started.elapsed())
}

fn propose(place: &Place) -> Outcome<()> {
    let ledger = place.path("topup.db");
    let settings = Settings::read(Some(&place.path("topup.toml")), std::iter::empty(), Some((&ledger, "bench")));
    let (settings, actor) = (settings.map_err(said)?, Actor::System("bench".to_owned()));
    let context = Context { settings: &settings, actor: &actor, door: &Nobody };
    let file = FileRequest {
        file: place.path("rows.csv"),
        batch: BatchName::parse("bench").map_err(|problem| problem.to_string())?,
        options: IntakeOptions::default(),
        expect_rows: None,
        skip_invalid: false,
        repeat_why: None,
    };
    let request = PayRequest { file, consent: Some(Consent::Yes) };
    match plan_to_pay(context, &request, &Identity::System("bench".to_owned())).map_err(said)? {
        ToPay::Ready(_) => Ok(()),
        ToPay::Asks(_) | ToPay::Waits(_) => Err("it was to be planned at once".into()),
    }
}

fn said(failure: Failure) -> String {
    failure.to_string()
}

/// A door that nobody stands at.
struct Nobody;

impl Door for Nobody {
    fn tell(&self, _: &News<'_>) {}

    fn step_text(&self) -> StepText {
        |step: &Step| format!("{step:?}")
    }

    fn stop_signal(&self) -> Result<StopSignal, Failure> {
        Ok(Box::pin(std::future::pending()))
    }

    fn watch(&self, _: Watched) -> Box<dyn Watch + '_> {
        Box::new(Blind)
    }
}

struct Blind;

impl Watch for Blind {
    fn on_event(&self, _: &topup::app::RunEvent) {}
}
