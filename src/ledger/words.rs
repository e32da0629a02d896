//! Spells events as the two words that the ledger keeps of them, and reads them back.

use super::error::LedgerError;
use super::record::BatchEvent;
use crate::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};

/// The words of one event: kind and detail.
pub(super) fn words_of(event: &Event) -> (&'static str, Option<&'static str>) {
    match event {
        Event::MemberAnswered(answer) => ("member_answered", Some(member_word(*answer))),
        Event::OrderAnswered(answer) => ("order_answered", Some(order_word(*answer))),
        Event::SubmitIntended => ("submit_intended", None),
        Event::SendEnded(fate) => ("send_ended", Some(fate_word(*fate))),
        Event::Retried => ("retried", None),
        Event::Released { .. } => ("released", None),
        Event::Cancelled => ("cancelled", None),
        Event::AttestedCredited => ("attested", Some("credited")),
        Event::AttestedNotCredited => ("attested", Some("not_credited")),
    }
}

fn member_word(answer: MemberAnswer) -> &'static str {
    match answer {
        MemberAnswer::Eligible => "eligible",
        MemberAnswer::Refused => "refused",
        MemberAnswer::NameDiffers => "name_differs",
        MemberAnswer::NameMissing => "name_missing",
        MemberAnswer::Unclear => "unclear",
        MemberAnswer::AskAgain => "ask_again",
    }
}

fn order_word(answer: OrderAnswer) -> &'static str {
    match answer {
        OrderAnswer::Success => "success",
        OrderAnswer::Failed => "failed",
        OrderAnswer::Absent => "absent",
        OrderAnswer::Undecided => "undecided",
        OrderAnswer::OtherOrder => "other_order",
        OrderAnswer::Unclear => "unclear",
        OrderAnswer::AskAgain => "ask_again",
    }
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Unsent => "unsent",
        Fate::Refused(Refusal::Member) => "refused_member",
        Fate::Refused(Refusal::Payout) => "refused_payout",
        Fate::Refused(Refusal::SetAside) => "set_aside",
        Fate::Refused(Refusal::SlowDown) => "slow_down",
        Fate::Credited => "credited",
        Fate::Unknown(Doubt::Unanswered) => "unknown",
        Fate::Unknown(Doubt::NumberTaken) => "number_taken",
    }
}

/// The word of a batch's event, and its note.
pub(super) fn batch_words_of(event: &BatchEvent) -> (&'static str, Option<&str>) {
    match event {
        BatchEvent::Planned(note) => ("batch_planned", Some(note)),
        BatchEvent::RunStarted(note) => ("run_started", Some(note)),
        BatchEvent::RunEnded(note) => ("run_ended", Some(note)),
        BatchEvent::GatewayAhead(invoice_no) => ("gateway_ahead", Some(invoice_no.as_str())),
        BatchEvent::CanaryConfirmed => ("canary_confirmed", None),
        BatchEvent::RepeatAccepted(why) => ("repeat_accepted", Some(why)),
        BatchEvent::Proposal { kind, note } => (kind, Some(note)),
    }
}

/// Reads an event back; `note` is the accepted name of a release.
pub(super) fn event_of(kind: &str, detail: Option<&str>, note: Option<String>) -> Result<Event, LedgerError> {
    if kind == "released" {
        return Ok(Event::Released { name: note });
    }
    all_events()
        .find(|event| words_of(event) == (kind, detail))
        .ok_or_else(|| LedgerError::Broken(format!("no event is called {kind:?} {detail:?}")))
}

/// Every event that a payout can have, a release without a name.
pub(super) fn all_events() -> impl Iterator<Item = Event> {
    let members = [
        MemberAnswer::Eligible,
        MemberAnswer::Refused,
        MemberAnswer::NameDiffers,
        MemberAnswer::NameMissing,
        MemberAnswer::Unclear,
        MemberAnswer::AskAgain,
    ];
    let orders = [
        OrderAnswer::Success,
        OrderAnswer::Failed,
        OrderAnswer::Absent,
        OrderAnswer::Undecided,
        OrderAnswer::OtherOrder,
        OrderAnswer::Unclear,
        OrderAnswer::AskAgain,
    ];
    let fates = [
        Fate::Unsent,
        Fate::Refused(Refusal::Member),
        Fate::Refused(Refusal::Payout),
        Fate::Refused(Refusal::SetAside),
        Fate::Refused(Refusal::SlowDown),
        Fate::Credited,
        Fate::Unknown(Doubt::Unanswered),
        Fate::Unknown(Doubt::NumberTaken),
    ];
    let others = [
        Event::SubmitIntended,
        Event::Retried,
        Event::Released { name: None },
        Event::Cancelled,
        Event::AttestedCredited,
        Event::AttestedNotCredited,
    ];
    (members.into_iter().map(Event::MemberAnswered))
        .chain(orders.into_iter().map(Event::OrderAnswered))
        .chain(fates.into_iter().map(Event::SendEnded))
        .chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::invoice_no::InvoiceNo;
    use crate::domain::payout_status::State;
    use crate::ledger::proposals;
    use crate::ledger::sqlite::open::open_in_memory;
    use std::collections::BTreeSet;

    /// The words that the schema's `CHECK (<column> IN (…) OR …)` takes, in the order in which they stand there.
    fn checked(table: &str, column: &str) -> Vec<String> {
        let ledger = open_in_memory(":memory:").unwrap();
        let sql: String = ledger
            .query_row("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", [table], |row| row.get(0))
            .unwrap();
        let (_, check) = sql.split_once(&format!("CHECK ({column} IN")).unwrap();
        let (check, _) = check.split_once("))").unwrap();
        let lists: Vec<Vec<String>> = (check.split(" OR "))
            .map(|list| list.split('\'').skip(1).step_by(2).map(str::to_owned).collect())
            .collect();
        assert!(lists.iter().all(|list| list.len() <= 2), "a table is made for each check of {table}.{column}: {sql}");
        lists.concat()
    }

    /// Each event of a batch once: a new one does not compile here before it is listed.
    fn batch_events() -> Vec<BatchEvent> {
        let number = InvoiceNo::parse("T1").unwrap();
        let proposal = |nth: usize| BatchEvent::Proposal { kind: proposals::KINDS[nth], note: "{}".into() };
        let mut events = vec![BatchEvent::Planned("note".into())];
        loop {
            let next = match events.last().unwrap() {
                BatchEvent::Planned(note) => BatchEvent::RunStarted(note.clone()),
                BatchEvent::RunStarted(note) => BatchEvent::RunEnded(note.clone()),
                BatchEvent::RunEnded(_) => BatchEvent::GatewayAhead(number.clone()),
                BatchEvent::GatewayAhead(_) => BatchEvent::CanaryConfirmed,
                BatchEvent::CanaryConfirmed => BatchEvent::RepeatAccepted("why".into()),
                BatchEvent::RepeatAccepted(_) => proposal(0),
                BatchEvent::Proposal { kind, .. } => {
                    let next = proposals::KINDS.iter().position(|known| known == kind).unwrap() + 1;
                    if next == proposals::KINDS.len() {
                        return events;
                    }
                    proposal(next)
                }
            };
            events.push(next);
        }
    }

    #[test]
    fn every_event_reads_back_as_itself() {
        let mut words = BTreeSet::new();
        for event in all_events() {
            let (kind, detail) = words_of(&event);
            assert!(words.insert((kind, detail)), "two events are called {kind} {detail:?}");
            assert_eq!(event_of(kind, detail, None).unwrap(), event);
        }
        assert_eq!(words.len(), 27);
        let released = Event::Released { name: Some("Nguyễn Văn An".into()) };
        let (kind, detail) = words_of(&released);
        assert_eq!(event_of(kind, detail, Some("Nguyễn Văn An".into())).unwrap(), released);
    }

    #[test]
    fn words_that_no_event_has_are_a_broken_ledger() {
        for (kind, detail) in [
            ("", None),
            ("submit_intended", Some("credited")),
            ("send_ended", None),
            ("send_ended", Some("absent")),
            ("Send_ended", Some("credited")),
            ("run_started", None),
        ] {
            let problem = event_of(kind, detail, None).unwrap_err();
            assert!(matches!(problem, LedgerError::Broken(_)), "{kind} {detail:?}: {problem}");
        }
    }

    #[test]
    fn the_tables_take_the_states_of_the_enum_and_no_others() {
        for table in ["totals", "payouts", "events"] {
            assert_eq!(checked(table, "state"), State::ALL.map(State::word), "{table}");
        }
    }

    #[test]
    fn the_table_of_events_takes_the_words_of_the_enums_and_no_others() {
        let events: Vec<Event> = all_events().collect();
        let batch_events = batch_events();
        let kinds =
            events.iter().map(|event| words_of(event).0).chain(batch_events.iter().map(|e| batch_words_of(e).0));
        let details = events.iter().filter_map(|event| words_of(event).1);
        for (column, words) in [("kind", kinds.collect::<BTreeSet<_>>()), ("detail", details.collect())] {
            let list = checked("events", column);
            assert_eq!(list.iter().map(String::as_str).collect::<BTreeSet<_>>(), words, "{column}");
            assert_eq!(list.len(), words.len(), "a word of {column} stands twice");
        }
    }

    #[test]
    fn a_row_with_another_word_is_refused() {
        let ledger = open_in_memory(":memory:").unwrap();
        let rows = "INSERT INTO batches VALUES (1, 'b', 'h', 'm', 't', 'TP', 1, 50, 0, zeroblob(32), 'f', '{}', 0, 'w',
                                                'yes', 1, 1, '[]', zeroblob(32), NULL, '[]');
                    INSERT INTO totals VALUES (1, 'planned', 1, 50, 0);
                    INSERT INTO payouts VALUES (1, 1, 1, 2, 'ref:1', '0901234567', NULL, NULL, 50, 1, NULL, NULL, NULL,
                                                zeroblob(32), 'planned', 1, 'TP1', NULL);";
        ledger.execute_batch(rows).unwrap();
        let event = |kind, detail, state| {
            format!(
                "INSERT INTO events (batch_id, at, kind, detail, state, previous)
                 VALUES (1, 0, {kind}, {detail}, {state}, zeroblob(32))"
            )
        };
        for good in [event("'attested'", "NULL", "NULL"), event("'attested'", "'not_credited'", "'cancelled'")] {
            ledger.execute_batch(&good).unwrap();
        }
        for bad in [
            event("'sent'", "NULL", "NULL"),
            event("NULL", "NULL", "NULL"),
            event("'attested'", "'maybe'", "NULL"),
            event("'attested'", "NULL", "'paid'"),
            "UPDATE payouts SET state = 'paid'".to_owned(),
            "INSERT INTO totals VALUES (1, 'paid', 0, 0, 0)".to_owned(),
            "DELETE FROM events".to_owned(),
        ] {
            assert!(ledger.execute_batch(&bad).is_err(), "{bad}");
        }
    }
}
