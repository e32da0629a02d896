//! Holds ledger and book against each other: who was paid, how often, and what the ledger says of it.

use super::harness::Stage;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use topup::simulator::OrderStatus;

/// A payout as the ledger holds it, read apart from the program's own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payout {
    pub(crate) batch: String,
    pub(crate) member: String,
    pub(crate) points: u64,
    pub(crate) state: String,
    pub(crate) invoice_no: String,
    /// Recorded intents to send it, and recorded ends of its sends.
    pub(crate) intents: u64,
    pub(crate) ends: u64,
}

/// Opens a ledger to look into it, beside a live run too.
pub(crate) fn open(ledger: &Path) -> Connection {
    let connection = Connection::open_with_flags(ledger, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

pub(crate) fn payouts(ledger: &Path) -> Vec<Payout> {
    let count =
        |kind: &str| format!("(SELECT count(*) FROM events e WHERE e.payout_id = p.payout_id AND e.kind = '{kind}')");
    let sql = format!(
        "SELECT b.name, coalesce(p.spelt, p.member), p.points, p.state, p.invoice_no, {}, {} FROM payouts p JOIN batches b USING (batch_id)
         ORDER BY p.payout_id",
        count("submit_intended"),
        count("send_ended")
    );
    let connection = open(ledger);
    let mut statement = connection.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Payout {
            batch: row.get(0)?,
            member: row.get(1)?,
            points: row.get(2)?,
            state: row.get(3)?,
            invoice_no: row.get(4)?,
            intents: row.get(5)?,
            ends: row.get(6)?,
        })
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

impl Stage {
    pub(crate) fn payouts(&self) -> Vec<Payout> {
        payouts(&self.ledger())
    }

    /// Whether the ledger's making was over before whatever the test did to it.
    pub(crate) fn has_tables(&self) -> bool {
        self.ledger().exists() && open(&self.ledger()).table_exists(None, "payouts").unwrap()
    }

    /// How many payouts the ledger holds in a state.
    pub(crate) fn in_state(&self, state: &str) -> usize {
        self.payouts().iter().filter(|payout| payout.state == state).count()
    }

    /// What holds at every moment: nobody is paid twice, nothing else is sent than what is planned (V1, V5).
    #[track_caller]
    pub(crate) fn audit_payments(&self) {
        let (book, stats) = (self.simulator.book(), self.simulator.stats());
        assert_eq!(book.violations(), [], "one number, two payouts");
        assert_eq!(stats.invalid, 0, "{:?}", stats.invalid_messages);
        assert_eq!((stats.signature_failures, stats.replayed_nonces, stats.redirects_followed), (0, 0, 0));
        let expected = self.expected.lock().unwrap();
        for (person, (credits, points)) in book.persons() {
            let (times, sum) = expected.get(person).copied().unwrap_or_default();
            assert!(credits <= times && points <= sum, "{person} was paid {credits} times, {points} points");
        }
    }

    /// Every top-up that arrived was intended by this ledger, as often as it arrived (V4). Not where a fault of the
    /// wire delivers one request twice.
    #[track_caller]
    pub(crate) fn audit_intents(&self) {
        let stats = self.simulator.stats();
        if stats.fault("duplicate").injected + stats.fault("duplicate_invoice").injected > 0 {
            return;
        }
        let payouts: BTreeMap<String, Payout> =
            self.payouts().into_iter().map(|payout| (payout.invoice_no.clone(), payout)).collect();
        for order in self.simulator.book().orders() {
            let payout = payouts.get(&order.invoice_no);
            let deliveries = order.deliveries.len() as u64;
            assert!(
                payout.is_some_and(|payout| payout.intents >= deliveries),
                "{order:?} without an intent: {payout:?}"
            );
        }
    }

    /// Ledger and book agree row by row, and nothing is left open (V2, V3, V9).
    #[track_caller]
    pub(crate) fn audit_end(&self) {
        self.audit_payments();
        let book = self.simulator.book();
        let mut credited = 0;
        for payout in self.payouts() {
            assert!(!matches!(payout.state.as_str(), "planned" | "in_doubt"), "left open: {payout:?}");
            let found = book.order(&payout.invoice_no).filter(|order| order.status == OrderStatus::Credited);
            let found = found.map(|order| (order.person.clone(), order.points));
            let claimed = (payout.state == "credited").then(|| (payout.member.clone(), payout.points));
            assert_eq!(claimed, found, "ledger and book differ over {payout:?}");
            credited += usize::from(claimed.is_some());
        }
        assert_eq!(book.credit_count(), credited, "the book has credits that the ledger does not know");
        self.audit_sums();
    }

    /// The totals are those of the payouts, and those of the plan (V9).
    #[track_caller]
    pub(crate) fn audit_sums(&self) {
        let sql = "SELECT b.name, b.rows, b.points,
                     (SELECT count(*) FROM payouts p WHERE p.batch_id = b.batch_id),
                     (SELECT coalesce(sum(points), 0) FROM payouts p WHERE p.batch_id = b.batch_id),
                     (SELECT sum(rows) FROM totals t WHERE t.batch_id = b.batch_id),
                     (SELECT sum(points) FROM totals t WHERE t.batch_id = b.batch_id),
                     (SELECT count(*) FROM totals t WHERE t.batch_id = b.batch_id AND (t.rows, t.points) <>
                       (SELECT count(*), coalesce(sum(points), 0) FROM payouts p
                        WHERE p.batch_id = b.batch_id AND p.state = t.state))
                   FROM batches b";
        let connection = open(&self.ledger());
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let name: String = row.get(0).unwrap();
            let number = |index: usize| row.get::<_, u64>(index).unwrap();
            assert_eq!([number(3), number(5)], [number(1); 2], "rows of {name}");
            assert_eq!([number(4), number(6)], [number(2); 2], "points of {name}");
            assert_eq!(number(7), 0, "totals of {name} that are not those of its payouts");
        }
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }

    /// The same command again sends nothing (V12), and says the same.
    pub(crate) async fn audit_rerun(&self, arguments: &[&str], exit: i32) {
        let before = self.requests();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = self.topup(&arguments).await.exits(exit);
        assert_eq!(self.requests(), before, "a finished batch sent requests");
        let requests = &ended.json()["requests"];
        assert_eq!(*requests, serde_json::json!({"member_info": 0, "top_up": 0, "order_status": 0}));
    }
}
