//! The shared pace, by given moments: whoever sends, no second holds more, and nothing that happens to the file stops anybody.

use super::*;

const START: u64 = 1_000 * SECOND_NS;

fn speed(rate: u64) -> Speed {
    Speed { interval: Duration::from_nanos(SECOND_NS / rate), window: rate + 1 }
}

/// Lets each try as soon as it may, in turns, until `end_ns`; gives the departures.
fn departures(paces: &[(&SharedPace, Speed)], from_ns: u64, end_ns: u64) -> Vec<u64> {
    let mut wakes = vec![from_ns; paces.len()];
    let mut departed = Vec::new();
    while let Some((nth, at)) = wakes.iter().copied().enumerate().min_by_key(|(_, at)| *at) {
        if at >= end_ns {
            break;
        }
        let (pace, speed) = paces[nth];
        match pace.turn_at(at, speed) {
            Turn::Now => departed.push(at),
            // A timer that is a bit late, each process by its own.
            Turn::Wait(wait) => wakes[nth] = at + u64::try_from(wait.as_nanos()).unwrap() + 300_000 * nth as u64,
            Turn::Alone => panic!("{:?}", pace.trouble()),
        }
    }
    departed
}

fn busiest(departed: &[u64]) -> usize {
    let within = |from: usize| departed[from..].iter().take_while(|at| **at <= departed[from] + SECOND_NS).count();
    (0..departed.len()).map(within).max().unwrap_or_default()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("topup.db");
    (folder, ledger)
}

/// A folder in which the file was made some seconds ago.
fn folder_with_a_file() -> (tempfile::TempDir, PathBuf) {
    let (folder, ledger) = folder();
    let quiet = SharedPace::of(&ledger, true).turn_at(START - 5 * SECOND_NS, speed(50));
    assert_eq!(quiet, Turn::Wait(Duration::from_millis(120)), "whoever sends without it has to see it first");
    (folder, ledger)
}

#[test]
fn three_commands_together_keep_the_rate_of_one() {
    let (_folder, ledger) = folder_with_a_file();
    let paces = [(); 3].map(|()| SharedPace::of(&ledger, true));
    let all: Vec<_> = paces.iter().map(|pace| (pace, speed(50))).collect();
    let departed = departures(&all, START, START + 20 * SECOND_NS);
    assert!((995..=1006).contains(&departed.len()), "{}", departed.len());
    assert!(busiest(&departed) <= 51, "{}", busiest(&departed));
    let each = departures(&all[..1], START + 20 * SECOND_NS, START + 30 * SECOND_NS);
    assert!((495..=506).contains(&each.len()), "one of them alone has all of it: {}", each.len());
    let mut whole = departed;
    whole.extend(each);
    assert!(busiest(&whole) <= 51, "{}", busiest(&whole));
}

#[test]
fn a_high_rate_is_held_and_a_new_process_continues_a_killed_ones_pace() {
    let (_folder, ledger) = folder_with_a_file();
    let mut whole = Vec::new();
    for life in 0..4 {
        let pace = SharedPace::of(&ledger, true);
        whole.extend(departures(&[(&pace, speed(1500))], START + life * SECOND_NS, START + (life + 1) * SECOND_NS));
    }
    assert!(whole.len() >= 5_970, "{}", whole.len());
    assert!(busiest(&whole) <= 1501, "{}", busiest(&whole));
}

#[test]
fn a_machine_that_stalls_catches_up_within_the_rate() {
    let (_folder, ledger) = folder_with_a_file();
    let pace = SharedPace::of(&ledger, true);
    let mut whole = Vec::new();
    let mut from = START;
    for stall_ms in [0, 90, 5000, 300, 40] {
        from += stall_ms * 1_000_000;
        whole.extend(departures(&[(&pace, speed(50))], from, from + SECOND_NS));
        from += SECOND_NS;
    }
    assert!(busiest(&whole) <= 51 && whole.len() > 245, "{} {}", busiest(&whole), whole.len());
}

#[test]
fn commands_with_different_rates_keep_each_to_its_own() {
    let (_folder, ledger) = folder_with_a_file();
    let (slow, fast) = (SharedPace::of(&ledger, true), SharedPace::of(&ledger, true));
    let before = departures(&[(&slow, speed(2))], START, START + 3 * SECOND_NS);
    assert!((6..=7).contains(&before.len()), "{}", before.len());
    let both = departures(&[(&slow, speed(2)), (&fast, speed(200))], START + 3 * SECOND_NS, START + 8 * SECOND_NS);
    assert!(busiest(&both) <= 201 && both.len() > 990, "{} {}", busiest(&both), both.len());
}

#[test]
fn a_file_that_is_lost_is_made_again_and_no_second_holds_more() {
    let (_folder, ledger) = folder_with_a_file();
    let (one, other) = (SharedPace::of(&ledger, true), SharedPace::of(&ledger, true));
    let both = [(&one, speed(50)), (&other, speed(50))];
    let mut whole = departures(&both, START, START + 2 * SECOND_NS);
    std::fs::remove_file(path_of(&ledger)).unwrap();
    whole.extend(departures(&both, START + 2 * SECOND_NS, START + 6 * SECOND_NS));
    assert!(busiest(&whole) <= 51 && whole.len() > 240, "{} {}", busiest(&whole), whole.len());
    assert_eq!((one.trouble(), other.trouble()), (None, None));
}

#[test]
fn without_a_file_nothing_is_made_where_nothing_may_be_and_it_is_joined_once_it_is_there() {
    let (_folder, ledger) = folder();
    let (joins, makes) = (SharedPace::of(&ledger, false), SharedPace::of(&ledger, true));
    assert_eq!(joins.turn_at(START, speed(50)), Turn::Alone);
    assert!(!path_of(&ledger).exists());
    let both = [(&joins, speed(50)), (&makes, speed(50))];
    assert_eq!(makes.turn_at(START, speed(50)), Turn::Wait(Duration::from_millis(120)));
    assert_eq!(joins.turn_at(START, speed(50)), Turn::Wait(Duration::from_secs(1)), "it went its own way until now");
    let joined = departures(&both, START, START + 3 * SECOND_NS);
    assert!(busiest(&joined) <= 51 && joined.len() >= 140, "{} {}", busiest(&joined), joined.len());
    assert!((joins.trouble(), makes.trouble()) == (None, None));
}

#[test]
fn what_a_former_start_of_the_machine_or_another_program_left_is_written_over() {
    let (_folder, ledger) = folder_with_a_file();
    departures(&[(&SharedPace::of(&ledger, true), speed(50))], START, START + SECOND_NS);
    let pace = SharedPace::of(&ledger, true);
    let anew = departures(&[(&pace, speed(50))], 5 * SECOND_NS, 6 * SECOND_NS);
    assert!((43..=46).contains(&anew.len()), "a clock that began anew: {}", anew.len());
    for bytes in [&b""[..], b"short", &[0xff; 5000]] {
        std::fs::write(path_of(&ledger), bytes).unwrap();
        let departed = departures(&[(&pace, speed(50))], START, START + 2 * SECOND_NS);
        assert!((93..=96).contains(&departed.len()), "{}", departed.len());
    }
}

#[cfg(unix)]
#[test]
fn only_a_regular_file_of_its_owner_is_written_to_and_the_rest_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, ledger) = folder_with_a_file();
    let pace = SharedPace::of(&ledger, true);
    assert_eq!(pace.turn_at(START, speed(50)), Turn::Now);
    let path = path_of(&ledger);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&path).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "untouched").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let through_a_link = SharedPace::of(&ledger, true);
    assert_eq!(through_a_link.turn_at(START, speed(50)), Turn::Alone);
    assert!(through_a_link.trouble().unwrap().contains("the pace is not shared"));
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "untouched");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(SharedPace::of(&ledger, true).turn_at(START, speed(50)), Turn::Alone);
}

#[test]
fn a_lock_that_is_never_given_back_stops_nobody() {
    let (_folder, ledger) = folder_with_a_file();
    let pace = SharedPace::of(&ledger, true);
    assert_eq!(pace.turn_at(START, speed(50)), Turn::Now);
    let held = File::open(path_of(&ledger)).unwrap();
    held.lock().unwrap();
    assert_eq!(pace.turn_at(START + SECOND_NS, speed(50)), Turn::Wait(LOCK_WAIT));
    assert_eq!(pace.turn_at(START + 2 * SECOND_NS, speed(50)), Turn::Wait(LOCK_WAIT));
    assert_eq!(pace.turn_at(START + 4 * SECOND_NS, speed(50)), Turn::Alone);
    assert!(pace.trouble().unwrap().contains("keeps it locked"));
}
