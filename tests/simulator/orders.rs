//! What the three calls mean, and what stands in the book after them.

use serde_json::json;
use topup::simulator::{DeliveryFate, Members, OrderStatus, UnknownMembers, Violation};

use crate::client::{
    MEMBER_INFO, Sent, TOP_UP, member_info, order_status, simulator, simulator_for, status_of, top_up,
};

#[tokio::test]
async fn an_invoice_number_is_credited_once_for_ever() {
    let simulator = simulator("none").await;
    assert_eq!(status_of(&simulator, "TP1").await, None);
    assert_eq!(top_up("TP1", "0901234567", 500).send(&simulator).await.code(), Some(200));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("S"));
    let back = top_up("TP1", "0901234567", 500).send(&simulator).await;
    assert_eq!((back.status(), back.code()), (Some(200), Some(4_000_307)));
    let book = simulator.book();
    assert_eq!((book.credit_count(), book.points(), book.delivery_count("TP1")), (1, 500, 2));
    let order = book.order("TP1").unwrap();
    assert_eq!((order.phone.as_deref(), order.points, order.status), (Some("0901234567"), 500, OrderStatus::Credited));
    assert!(order.credited_at.is_some());
    let fates = order.deliveries.iter().map(|delivery| delivery.fate).collect::<Vec<_>>();
    assert_eq!(fates, [DeliveryFate::Credited, DeliveryFate::Repeated]);
    assert_ne!(order.deliveries[0].nonce, order.deliveries[1].nonce);
    assert!(order.deliveries[0].at < order.deliveries[1].at);
    assert_eq!(book.violations(), []);
}

#[tokio::test]
async fn a_failed_order_burns_its_number() {
    let simulator = simulator("order_error_500=1").await;
    let back = top_up("TP1", "0901234567", 500).send(&simulator).await;
    assert_eq!((back.status(), back.code()), (Some(500), Some(5_000)));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("E"));
    simulator.heal();
    assert_eq!(top_up("TP1", "0901234567", 500).send(&simulator).await.code(), Some(4_000_307));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("E"));
    assert_eq!(simulator.book().credit_count(), 0);
}

#[tokio::test]
async fn order_status_names_the_kind_of_transaction() {
    let simulator = simulator("none").await;
    top_up("TP1", "0901234567", 500).send(&simulator).await;
    let back = order_status("TP1").send(&simulator).await;
    assert_eq!(back.json().unwrap()["data"], json!({ "type": "TXN_EARN", "status": "S" }));
    assert_eq!(order_status("TP2").send(&simulator).await.status(), Some(200));
    simulator.set_faults("absent_404=1".parse().unwrap());
    let back = order_status("TP2").send(&simulator).await;
    assert_eq!((back.status(), back.code()), (Some(404), Some(4_040_001)));
}

#[tokio::test]
async fn one_number_for_two_payouts_is_a_violation() {
    let simulator = simulator("http_502=1").await;
    top_up("TP1", "0901234567", 500).send(&simulator).await;
    simulator.heal();
    top_up("TP1", "0901234567", 600).send(&simulator).await;
    top_up("TP1", "0901234568", 600).send(&simulator).await;
    let book = simulator.book();
    let other = |first: (&str, u64), then: (&str, u64)| Violation::OtherPayout {
        invoice_no: "TP1".to_owned(),
        first: (first.0.to_owned(), first.1),
        then: (then.0.to_owned(), then.1),
    };
    let expected = [other(("0901234567", 500), ("0901234567", 600)), other(("0901234567", 600), ("0901234568", 600))];
    assert_eq!(book.violations(), expected);
    assert_eq!(simulator.stats().violations, 2);
    assert_eq!((book.credit_count(), book.points()), (1, 600), "what was processed is what was credited");
}

#[tokio::test]
async fn a_person_is_one_person_under_every_name() {
    let rows = "phone,card_no,user_id\n0901234567,9700,U1\n";
    let simulator = simulator_for(Members::from_csv(rows.as_bytes()).unwrap(), "none").await;
    top_up("TP1", "0901234567", 500).send(&simulator).await;
    for (invoice_no, id_type, id) in [("TP2", "CARD", "9700"), ("TP3", "USER_ID", "U1"), ("TP4", "CARD", "9999")] {
        let body = json!({ "id_type": id_type, "id": id, "point_amount": 50, "invoice_no": invoice_no, "send_receipt": false });
        assert_eq!(Sent::new(TOP_UP, &body).send(&simulator).await.code(), Some(200));
    }
    let book = simulator.book();
    assert_eq!(book.persons(), [("0901234567", (3, 600)), ("CARD:9999", (1, 50))].into());
    assert_eq!(book.credits().count(), 4);
}

#[tokio::test]
async fn members_are_what_the_directory_says() {
    let rows = "phone,card_no,full_name,status,card_status,check_code,topup_code\n\
        0901234567,9700,Nguyễn An,A,A,,\n\
        0901234568,,Trần Bình,B,A,,\n\
        0901234569,,Lê Chi,-,A,,\n\
        0901234570,,Phạm Dũng,A,A,200301,\n\
        0901234571,,Đỗ Hà,A,A,,4000318\n";
    let members = Members::from_csv(rows.as_bytes()).unwrap().with_unknown(UnknownMembers::Absent);
    let simulator = simulator_for(members, "none").await;
    let data = member_info("0901234567").send(&simulator).await.json().unwrap()["data"].clone();
    assert_eq!(
        (&data["full_name"], &data["status"], &data["card_status"]),
        (&json!("Nguyễn An"), &json!("A"), &json!("A"))
    );
    assert_eq!(data["phone_number"], "0901234567");
    let data = member_info("0901234568").send(&simulator).await.json().unwrap()["data"].clone();
    assert_eq!(data["status"], "B");
    let data = member_info("0901234569").send(&simulator).await.json().unwrap()["data"].clone();
    assert_eq!(data.get("status"), None);
    for (phone, check, topped_up) in [
        ("0901234567", 200, 200),
        ("0901234568", 200, 4_000_326),
        ("0901234570", 200_301, 4_000_326),
        ("0901234571", 200, 4_000_318),
        ("0909999999", 200_400, 4_000_315),
    ] {
        let checked = member_info(phone).send(&simulator).await;
        assert_eq!((checked.status(), checked.code()), (Some(200), Some(check)), "{phone}");
        let back = top_up(&format!("TP{phone}"), phone, 50).send(&simulator).await;
        assert_eq!((back.status(), back.code()), (Some(200), Some(topped_up)), "{phone}");
    }
    let with_card = Sent::new(MEMBER_INFO, &json!({ "phone_no": "0901234567", "card_no": "9701" }));
    assert_eq!(with_card.send(&simulator).await.code(), Some(200_400), "the card is another member's");
    let book = simulator.book();
    assert_eq!(book.credit_count(), 1);
    let refused = book.order("TP0901234571").unwrap();
    assert_eq!((refused.status, refused.deliveries[0].fate), (OrderStatus::Absent, DeliveryFate::Refused(4_000_318)));
    assert_eq!(status_of(&simulator, "TP0901234571").await, None, "a refusal leaves the number free");
}

#[tokio::test]
async fn a_refusal_can_burn_the_number() {
    let rows = "phone,topup_code\n0901234567,600500\n";
    let simulator = simulator_for(Members::from_csv(rows.as_bytes()).unwrap(), "refusal_burns=1").await;
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(600_500));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("E"));
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(4_000_307));
}

#[tokio::test]
async fn the_sample_files_belong_together() {
    let members = Members::from_csv(std::fs::File::open("samples/members-2026-11.csv").unwrap()).unwrap();
    assert_eq!(members.len(), 320);
    let simulator = simulator_for(members.with_unknown(UnknownMembers::Absent), "none").await;
    let mut rewards = csv::Reader::from_path("samples/rewards-2026-11.csv").unwrap();
    let expected = ["Mã tham chiếu", "Họ tên", "Số điện thoại", "Số điểm", "Phòng ban", "Ghi chú"];
    assert_eq!(rewards.headers().unwrap(), expected.as_slice());
    let (mut unknown, mut blocked, mut same_name) = (0, 0, 0);
    for row in rewards.records().map(Result::unwrap) {
        let back = member_info(&row[2]).send(&simulator).await;
        unknown += u32::from(back.code() == Some(200_400));
        let data = back.json().unwrap()["data"].clone();
        blocked += u32::from(back.code() == Some(200) && (data["status"] != "A" || data["card_status"] != "A"));
        same_name += u32::from(data["full_name"] == row[1]);
        top_up(&row[0], &row[2], row[3].parse().unwrap()).send(&simulator).await;
    }
    assert_eq!((unknown, blocked), (4, 6));
    assert!((250..317).contains(&same_name), "{same_name}");
    let (stats, book) = (simulator.stats(), simulator.book());
    assert_eq!((stats.invalid, book.credit_count()), (0, 320 - 4 - 6 - 6), "{:?}", stats.invalid_messages);
    assert!(book.persons().values().all(|(credits, _)| *credits == 1), "all phones differ");
}
