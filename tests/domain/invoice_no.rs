//! The derivation of a number: pinned by a golden file, different for each field, and deaf to everything else.

use proptest::prelude::*;
use std::collections::HashSet;
use topup::domain::batch_name::BatchName;
use topup::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use topup::domain::member::Member;
use topup::domain::phone::PhoneNumber;
use topup::domain::row_key::RowKey;

/// Computed once with another program in another language: were it printed by this one, it would prove nothing.
const GOLDEN: &str = include_str!("invoice_no.golden");

#[test]
fn every_number_is_the_golden_files() {
    let mut numbers = HashSet::new();
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [prefix, merchant, batch, kind, key, occurrence, attempt, expected] = fields[..] else {
            panic!("a vector has eight fields: {line}")
        };
        let key = match kind {
            "ref" => RowKey::reference(key),
            "member" => RowKey::member(&Member::from_key(key, None).unwrap(), occurrence.parse().unwrap()),
            other => panic!("no kind of key is called {other}"),
        };
        let number = derive(prefix, merchant, batch, &key, attempt.parse().unwrap());
        assert_eq!(number.as_str(), expected, "{line}");
        assert_eq!(InvoiceNo::parse(expected), Some(number.clone()), "{line}");
        assert!(numbers.insert(number), "a number stands twice: {line}");
    }
    assert!(numbers.len() >= 20, "found {} vectors", numbers.len());
}

#[test]
fn the_phone_that_goes_along_with_a_card_is_no_part_of_its_key() {
    let phone = PhoneNumber::parse("0901234567");
    let with = |phone| RowKey::member(&Member::Card { id: "9704".to_owned(), phone }, 1);
    assert_eq!(with(phone), with(None));
}

#[test]
fn only_prefixes_and_numbers_that_the_gateway_takes_can_be_had() {
    for (text, taken) in
        [("", true), ("T", true), ("TP9", true), ("TPXY", false), ("tp", false), ("T-", false), ("Đ", false)]
    {
        assert_eq!(InvoicePrefix::parse(text).is_some(), taken, "{text}");
    }
    let longest = "X".repeat(23);
    for (text, taken) in
        [("", false), ("A", true), (&*longest, true), (&*"X".repeat(24), false), ("a", false), ("A B", false)]
    {
        assert_eq!(InvoiceNo::parse(text).is_some(), taken, "{text}");
    }
}

proptest! {
    #[test]
    fn a_number_is_its_prefix_and_twenty_characters_that_read_aloud(
        prefix in "[A-Z0-9]{0,3}",
        merchant in "\\PC{0,40}",
        batch in "[a-z0-9._-]{1,64}",
        reference in "\\PC{0,60}",
        attempt in 1_u32..,
    ) {
        let number = derive(&prefix, &merchant, &batch, &RowKey::reference(&reference), attempt);
        let (head, hash) = number.as_str().split_at(prefix.len());
        prop_assert_eq!(head, prefix.as_str());
        prop_assert_eq!(hash.len(), 20);
        prop_assert!(number.as_str().len() <= InvoiceNo::CHARS_MAX);
        prop_assert!(hash.chars().all(|c| "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(c)), "{}", hash);
        prop_assert_eq!(InvoiceNo::parse(number.as_str()), Some(number));
    }

    #[test]
    fn a_change_of_any_field_changes_the_number(
        fields in ("[a-c]{1,4}", "[a-c]{1,4}", "[a-c]{0,4}", 1_u32..4),
        others in ("[a-c]{1,4}", "[a-c]{1,4}", "[a-c]{0,4}", 1_u32..4),
    ) {
        let number = |(merchant, batch, reference, attempt): &(String, String, String, u32)| {
            derive("T", merchant, batch, &RowKey::reference(reference), *attempt)
        };
        prop_assert_eq!(number(&fields) == number(&others), fields == others);
    }

    #[test]
    fn members_and_occurrences_have_keys_of_their_own_and_references_never_meet_them(
        ids in ("[0-9]{9}", "[0-9]{9}"),
        occurrences in (1_u32..20, 1_u32..20),
    ) {
        let phone = |digits: &str| Member::Phone(PhoneNumber::parse(&format!("0{}", digits.replacen(|_| true, "9", 1))).unwrap());
        let (one, other) = (phone(&ids.0), phone(&ids.1));
        let same = one == other && occurrences.0 == occurrences.1;
        prop_assert_eq!(RowKey::member(&one, occurrences.0) == RowKey::member(&other, occurrences.1), same);
        let key = RowKey::member(&one, occurrences.0);
        prop_assert_ne!(&RowKey::reference(key.as_str()), &key);
        prop_assert_eq!(RowKey::from_stored(key.as_str().to_owned()), key);
    }
}

/// There is no argument for points, rows, files, terminals or times: that they never matter is the signature's doing.
fn derive(prefix: &str, merchant: &str, batch: &str, key: &RowKey, attempt: u32) -> InvoiceNo {
    let prefix = InvoicePrefix::parse(prefix).expect("a prefix");
    InvoiceNo::derive(&prefix, merchant, &BatchName::parse(batch).expect("a batch name"), key, attempt)
}
