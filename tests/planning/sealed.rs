//! What a plan was sealed with is what it is paid under, skipped rows and names included.

use super::fixture::{Fixture, Outcome, TWO, terms};
use topup::domain::hint::{Choice, Part};
use topup::domain::sha256::Sha256;
use topup::ledger::{LedgerError, Settings};
use topup::plan::{Resealing, Terms};

fn named(names: &str) -> Terms {
    let settings =
        Settings::new(vec![("payout.names".into(), names.into()), ("payout.send_sms".into(), "true".into())]);
    Terms { settings, ..terms("a") }
}

#[test]
fn a_plan_is_paid_only_under_the_settings_that_it_was_sealed_with() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan_with(TWO, &named("hold")).unwrap(), Outcome::Planned(2, 2));
    let sealed = desk.ledger.batch("a").unwrap().plan_sha256;
    let refusal = desk.plan_with(TWO, &named("off")).unwrap().refusal();
    assert_eq!(refusal.code, "setting_changed");
    assert!(refusal.message.contains("payout.names = hold, and the configuration says off"), "{}", refusal.message);
    let refused = desk.run("a", |under| under.settings = named("off").settings);
    assert!(matches!(refused, Err(LedgerError::SettingChanged { .. })), "{refused:?}");
    assert!(desk.run("a", |under| under.settings = named("hold").settings).is_ok());
    // Nor by the seal of before; only by that of the plan under the new setting.
    let confirmed = |seal: String| Terms { resealing: Resealing::Confirmed(seal), ..named("off") };
    let refusal = desk.plan_with(TWO, &confirmed(sealed.to_string())).unwrap().refusal();
    let hint = refusal.hint.unwrap();
    let new = hint
        .parts()
        .iter()
        .find_map(|part| if let Part::Choice(Choice::Plan(seal)) = part { seal.clone() } else { None });
    let new = new.unwrap();
    assert_eq!(desk.plan_with(TWO, &confirmed(new.clone())).unwrap(), Outcome::Planned(0, 2));
    assert_eq!(desk.ledger.batch("a").unwrap().plan_sha256.to_string(), new);
    assert!(desk.run("a", |under| under.settings = named("off").settings).is_ok());
    desk.audit("a");
    // What is paid to its end is nobody's to hold back.
    (2..=3).for_each(|row| desk.credit("a", row));
    assert_eq!(desk.plan_with(TWO, &named("hold")).unwrap(), Outcome::Known);
}

#[test]
fn names_are_sealed_and_a_name_that_is_gone_is_a_change() {
    let with = "phone,points,name\n0901234567,100,Nguyễn An\n0901234568,200,\n";
    let without = "phone,points\n0901234567,100\n0901234568,200\n";
    let seals: Vec<Sha256> = [with, without, &with.replace("Nguyễn An", "Lê Chi")]
        .into_iter()
        .map(|file| {
            let mut desk = Fixture::new();
            desk.plan_with(file, &named("hold")).unwrap();
            desk.audit("a");
            desk.ledger.batch("a").unwrap().plan_sha256
        })
        .collect();
    assert!(seals[0] != seals[1] && seals[0] != seals[2] && seals[1] != seals[2]);
    let mut desk = Fixture::new();
    desk.plan_with(with, &named("hold")).unwrap();
    for (changed, said) in [(without, "now no name"), (&*with.replace("Nguyễn An", "Lê Chi"), "now name \"Lê Chi\"")]
    {
        let refusal = desk.plan_with(changed, &named("hold")).unwrap().refusal();
        assert_eq!(refusal.code, "plan_differs");
        assert!(refusal.problems[0].message.contains(said), "{:?}", refusal.problems);
    }
    // The same name, written otherwise; and nobody's any more, once the member is paid.
    assert_eq!(desk.plan_with(&with.replace("Nguyễn An", "AN NGUYEN"), &named("hold")).unwrap(), Outcome::Known);
    desk.credit("a", 2);
    assert_eq!(desk.plan_with(without, &named("hold")).unwrap(), Outcome::Known);
}

#[test]
fn what_decides_of_a_plan_is_in_its_seal() {
    let seal = |file: &str, terms: &Terms| {
        let mut desk = Fixture::new();
        desk.plan_with(file, terms).unwrap();
        desk.ledger.batch("a").unwrap().plan_sha256
    };
    let own = seal(TWO, &named("hold"));
    assert_eq!(seal("points,phone\n200,0901234568\n100,0901234567\n", &named("hold")), own);
    let skipping = Terms { skip_invalid: true, ..named("hold") };
    let with_bad = |cell: &str| format!("{TWO}{cell},300\n");
    let seals = [
        own,
        seal(TWO, &named("warn")),
        seal(TWO, &skipping),
        seal(TWO, &Terms { allow_repeat_phones: true, ..named("hold") }),
        seal(TWO, &Terms { repeat_why: Some("meant".into()), ..named("hold") }),
        seal(&with_bad("09"), &skipping),
        seal(&with_bad("08"), &skipping),
    ];
    for (nth, seal) in seals.iter().enumerate() {
        assert_eq!(seals.iter().position(|other| other == seal), Some(nth));
    }
}

#[test]
fn skipped_rows_keep_their_cells_and_the_reasons() {
    let mut desk = Fixture::new();
    let skipping = Terms { skip_invalid: true, ..terms("a") };
    let file = "phone,points,note\n0901234567,100,x\n090123,100,y\n0901234568,20,z\n0901234569,100,\n0901234569,100,\n";
    assert_eq!(desk.plan_with(file, &skipping).unwrap(), Outcome::Planned(1, 1));
    let batch = desk.ledger.batch("a").unwrap();
    let skipped = desk.ledger.skipped(&batch, 1000).unwrap();
    assert_eq!(skipped.iter().map(|skipped| skipped.row).collect::<Vec<_>>(), [3, 4, 5, 6]);
    let cells = |cells: [&str; 3]| {
        let headers = ["phone", "points", "note"].map(str::to_owned);
        headers.into_iter().zip(cells.map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(skipped[0].cells, Some(cells(["090123", "100", "y"])));
    assert!(skipped[0].reasons[0].starts_with("phone: needs"), "{skipped:?}");
    assert!(skipped[1].reasons[0].starts_with("points: needs"), "{skipped:?}");
    assert!(skipped[2].reasons[0].contains("that of another row"), "{skipped:?}");
    assert_eq!(desk.ledger.skipped(&batch, 2).unwrap().len(), 2);
    assert_eq!(desk.plan_with(file, &skipping).unwrap(), Outcome::Known);
    desk.audit("a");
    // Another cell is another row; what an amended file no longer skips is not listed any more.
    let other = file.replace("090123,", "090124,");
    assert_eq!(desk.plan_with(&other, &skipping).unwrap(), Outcome::Planned(0, 1));
    let mended = "phone,points,note\n0901234567,100,x\n0901234561,100,y\n";
    assert_eq!(desk.plan_with(mended, &skipping).unwrap(), Outcome::Planned(1, 2));
    let batch = desk.ledger.batch("a").unwrap();
    assert_eq!(desk.ledger.skipped(&batch, 1000).unwrap(), []);
    desk.audit("a");
}

#[test]
fn a_file_without_one_row_that_can_be_paid_makes_no_batch() {
    let mut desk = Fixture::new();
    let skipping = Terms { skip_invalid: true, ..terms("a") };
    let refusal = desk.plan_with("phone,points\n09,100\n0901234567,1\n", &skipping).unwrap().refusal();
    assert_eq!((refusal.code, refusal.problem_count), ("file_refused", 3));
    assert!(desk.ledger.find_batch("a").unwrap().is_none());
}
