//! What became of a member, a reference or a number, over all batches.

use super::harness::{BATCH, RUN, Stage, phone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_is_found_by_phone_reference_and_number_with_everything_that_happened() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let phone = phone(1);
    let by_phone = stage.topup(&["find", &phone, "--json"]).await.exits(0).json();
    let payout = &by_phone["payouts"][0];
    assert_eq!((&payout["batch"], &payout["state"]), (&BATCH.into(), &"credited".into()), "{by_phone:#}");
    let kinds: Vec<&str> =
        payout["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"submit_intended") && kinds.contains(&"send_ended"), "{kinds:?}");
    assert!(!by_phone.to_string().contains(&phone), "the phone is hidden in what is printed: {by_phone}");

    let spelt = format!("+84 {} {}", &phone[1..4], &phone[4..]);
    let number = payout["invoice_nos"][0].as_str().unwrap().to_owned();
    let mut texts = vec![spelt, number];
    texts.extend(payout["reference"].as_str().map(str::to_owned));
    for text in texts {
        assert_eq!(stage.topup(&["find", &text, "--json"]).await.exits(0).json(), by_phone, "{text}");
    }
    let said = stage.topup(&["find", &phone]).await.exits(0).stdout;
    assert!(said.contains("submit intended") && said.ends_with("1 payout\n") && !said.contains(&phone), "{said}");
    let nothing = stage.topup(&["find", "0999999999"]).await.exits(0).stdout;
    assert_eq!(nothing, "nothing of that is in the ledger\n");
}
