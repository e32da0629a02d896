//! What another batch credited, judged again by every start of a batch of which nothing was sent yet.

use super::harness::{RUN, Stage, phone};

const OTHER: [&str; 5] = ["run", "rewards.csv", "--batch", "another", "--yes"];

/// A batch is planned while the look at other batches is off, or a clock a month ahead makes it so; no send of it is ever
/// intended. Once the window is what it should be, no start goes on without a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_without_a_send_is_judged_again_at_every_start() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &(0..4).map(|row| (phone(row), 100)).collect::<Vec<_>>());
    stage.topup(&RUN).await.exits(0);
    stage.faults("member_info.refuse_4010001=1");
    stage.set("payout.repeat_window_days", "0");
    stage.topup(&OTHER).await.exits(7);
    assert_eq!((stage.in_state("planned"), stage.credits()), (4, 4));
    stage.heal();

    stage.set("payout.repeat_window_days", "20");
    let requests = stage.requests();
    for start in [&OTHER[..], &["resume", "another"], &["resume", "another"]] {
        let ended = stage.topup(&[start, &["--json"]].concat()).await.exits(3);
        assert_eq!(ended.json()["error"]["code"], "repeated_credited", "{start:?}: {}", ended.stderr);
    }
    assert_eq!((stage.requests(), stage.credits()), (requests, 4), "something was asked or sent");

    stage.expect_all_again();
    stage.topup(&[&OTHER[..], &["--repeat", "a second bonus"]].concat()).await.exits(0);
    assert_eq!(stage.credits(), 8);
    stage.topup(&["verify", "another"]).await.exits(0);
    stage.audit_end();
}
