//! Two machines, one batch, a database that says whose it is, and a gateway: every order of stalls, take-overs, lost and late
//! messages, ambiguous commits and clocks that differ, for one payout and two sends of its number.
//!
//! A model of the rules by which a batch changes hands, apart from any database: who may write, what a permit is worth after a
//! take-over, and from when on an absence counts. Time is in steps of no particular length; what matters is their order.

use std::collections::HashSet;

/// The end of time: long enough for a take-over, both bounds after it, and a send.
const END: i8 = 10;
const LEASE: i8 = 3;
/// How old a send may be when the gateway takes it in.
const WITHIN: i8 = 2;
/// How long after its intent a permit may be looked at and found alive.
const PERMIT_LIVES: i8 = 1;
/// How long the gateway may take to show what it took in.
const SETTLE: i8 = 1;
/// What two clocks may be apart: the database's, which is the true one here, and another.
const APART: i8 = 1;
const SENDS_MAX: u8 = 2;
const EPOCHS_MAX: u8 = 3;

/// The defences, each of which can be switched off.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// A write is refused unless the writer's epoch is the batch's.
    epoch_checked: bool,
    /// A write is refused unless the chain ends where the writer left it.
    head_checked: bool,
    /// A send that is older than the bound is refused by the gateway.
    fence: bool,
    /// The gateway refuses a number that it knows.
    repeats_refused: bool,
    /// An absence counts only once what a former owner sent can no longer arrive.
    bound_from_take_over: bool,
    /// A permit is looked at right before the bytes go.
    permit_dies: bool,
}

const ALL: Rules = Rules {
    epoch_checked: true,
    head_checked: true,
    fence: true,
    repeats_refused: false,
    bound_from_take_over: true,
    permit_dies: true,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Planned,
    InDoubt,
    Credited,
}

/// What a machine is about with its payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    /// Nothing is under way.
    Idle,
    /// An intent is durable, and its permit was not used.
    Permitted { since: i8, lease_until: i8 },
    /// The permit was found alive; the bytes go next, whenever that is.
    Sending { since: i8 },
    /// The bytes left.
    Waiting,
    /// The gateway said that it credited.
    Answered,
    /// Order status did not know the number, late enough to prove something.
    Absent,
}

/// A machine that believes it owns the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Runner {
    epoch: u8,
    /// The end of the chain as it knows it.
    head: u8,
    state: State,
    /// When it took over, or its last send ended, by the true clock.
    since: i8,
    doing: Doing,
}

/// A send on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    stamp: i8,
    from: usize,
    epoch: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: i8,
    /// How far the clock of each machine is ahead, and the gateway's.
    ahead: [i8; 3],
    epoch: u8,
    lease_until: i8,
    head: u8,
    state: State,
    sends: u8,
    runners: [Option<Runner>; 2],
    wire: Vec<Message>,
    credits: u8,
    /// From when on order status shows the order.
    shown_at: Option<i8>,
    /// What must never be.
    broken: Option<&'static str>,
}

impl World {
    fn new(ahead: [i8; 3]) -> Self {
        Self {
            now: 0,
            ahead,
            epoch: 0,
            lease_until: -1,
            head: 0,
            state: State::Planned,
            sends: 0,
            runners: [None; 2],
            wire: Vec::new(),
            credits: 0,
            shown_at: None,
            broken: None,
        }
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self.clone();
        change(&mut world);
        world
    }

    /// Changes one machine.
    fn with_runner(&self, index: usize, change: impl Fn(&mut Runner)) -> Self {
        self.with(|world| world.runners[index].iter_mut().for_each(change))
    }

    /// A moment of the true clock as machine `index` sees it.
    fn seen_by(&self, index: usize, moment: i8) -> i8 {
        moment + self.ahead[index]
    }

    /// Compares and sets: what a machine writes counts only while the batch is its own.
    fn write(&self, index: usize, rules: Rules, state: State) -> Option<Self> {
        let runner = self.runners[index]?;
        let owns = runner.epoch == self.epoch && self.now < self.lease_until;
        let refused = (rules.epoch_checked && !owns) || (rules.head_checked && runner.head != self.head);
        if refused {
            return None;
        }
        Some(self.with(|world| {
            if runner.epoch != world.epoch {
                world.broken = Some("a former owner wrote");
            }
            world.head += 1;
            world.state = state;
            let head = world.head;
            world.runners[index] = Some(Runner { head, state, ..runner });
        }))
    }

    /// A machine whose write was refused, or may have been, knows nothing any more.
    fn forget(&self, index: usize) -> Self {
        self.with(|world| world.runners[index] = None)
    }

    fn take_overs(&self, next: &mut Vec<Self>) {
        for index in 0..2 {
            let is_own = self.runners[index].is_some_and(|runner| runner.epoch == self.epoch);
            if self.now >= self.lease_until && !is_own && self.epoch < EPOCHS_MAX {
                next.push(self.with(|world| {
                    world.epoch += 1;
                    world.lease_until = world.now + LEASE;
                    let (epoch, head, state, since) = (world.epoch, world.head, world.state, world.now);
                    world.runners[index] = Some(Runner { epoch, head, state, since, doing: Doing::Idle });
                }));
            }
        }
    }

    fn steps(&self, index: usize, runner: Runner, rules: Rules, next: &mut Vec<Self>) {
        // Killed, at any moment.
        next.push(self.forget(index));
        // At the last moment: whatever is earlier changes less.
        if runner.epoch == self.epoch && self.lease_until == self.now + 1 {
            next.push(self.with(|world| world.lease_until = world.now + LEASE));
        }
        match runner.doing {
            Doing::Idle if runner.state == State::Planned => self.intend(index, rules, next),
            Doing::Absent => self.intend(index, rules, next),
            Doing::Idle if runner.state == State::InDoubt => self.ask(index, runner, rules, next),
            Doing::Idle => {}
            Doing::Permitted { since, lease_until } => self.look_at_permit(index, (since, lease_until), rules, next),
            Doing::Sending { since } => next.push(self.with(|world| {
                world.wire.push(Message { stamp: since, from: index, epoch: runner.epoch });
                world.wire.sort_unstable();
                world.runners[index] = Some(Runner { doing: Doing::Waiting, ..runner });
            })),
            // The call ran out of time.
            Doing::Waiting => next.push(self.with_runner(index, |runner| {
                (runner.doing, runner.since) = (Doing::Idle, self.now);
            })),
            Doing::Answered => next.push(self.write(index, rules, State::Credited).map_or_else(
                || self.forget(index),
                |world| world.with_runner(index, |runner| runner.doing = Doing::Idle),
            )),
        }
    }

    fn intend(&self, index: usize, rules: Rules, next: &mut Vec<Self>) {
        if self.sends == SENDS_MAX {
            return;
        }
        // Before the commit: nobody can have seen the intent earlier.
        let since = self.seen_by(index, self.now);
        let Some(written) = self.write(index, rules, State::InDoubt) else { return next.push(self.forget(index)) };
        let written = written.with(|world| world.sends += 1);
        next.push(
            written
                .with_runner(index, |runner| runner.doing = Doing::Permitted { since, lease_until: self.lease_until }),
        );
        // The answer to the commit was lost: it holds, and its writer does not know.
        next.push(written.forget(index));
    }

    /// It dies before the lease does, by a clock that may be behind.
    fn look_at_permit(&self, index: usize, (since, lease_until): (i8, i8), rules: Rules, next: &mut Vec<Self>) {
        let seen = self.seen_by(index, self.now);
        let is_alive = seen - since <= PERMIT_LIVES && seen + APART < lease_until;
        if is_alive || !rules.permit_dies {
            let is_former = self.runners[index].is_some_and(|runner| runner.epoch != self.epoch);
            next.push(self.with(|world| {
                if is_former {
                    world.broken = Some("a former owner's permit was alive");
                }
                world.runners[index].iter_mut().for_each(|runner| runner.doing = Doing::Sending { since });
            }));
        } else {
            next.push(self.write(index, rules, State::Planned).map_or_else(
                || self.forget(index),
                |world| world.with_runner(index, |runner| runner.doing = Doing::Idle),
            ));
        }
    }

    fn ask(&self, index: usize, runner: Runner, rules: Rules, next: &mut Vec<Self>) {
        if self.shown_at.is_some_and(|at| at <= self.now) {
            next.push(self.with_runner(index, |runner| runner.doing = Doing::Answered));
            return;
        }
        let late = if rules.bound_from_take_over { WITHIN + 2 * APART } else { 0 };
        let proves_at = self.seen_by(index, runner.since) + late + SETTLE + APART;
        if self.seen_by(index, self.now) >= proves_at {
            next.push(self.with_runner(index, |runner| runner.doing = Doing::Absent));
        }
    }

    fn deliveries(&self, rules: Rules, next: &mut Vec<Self>) {
        for at in 0..self.wire.len() {
            let message = self.wire[at];
            let lost = self.with(|world| world.wire.retain(|other| *other != message));
            next.push(lost.clone());
            let age = self.now + self.ahead[2] - message.stamp;
            let is_known = self.credits > 0;
            if (rules.fence && age > WITHIN) || (rules.repeats_refused && is_known) {
                continue;
            }
            for shown_after in [0, SETTLE] {
                let credited = lost.with(|world| {
                    world.credits += 1;
                    world.shown_at = world.shown_at.or(Some(world.now + shown_after));
                });
                let waits = credited.runners[message.from]
                    .is_some_and(|runner| runner.epoch == message.epoch && runner.doing == Doing::Waiting);
                if waits {
                    next.push(credited.with_runner(message.from, |runner| runner.doing = Doing::Answered));
                }
                next.push(credited);
            }
        }
    }

    fn successors(&self, rules: Rules) -> Vec<Self> {
        let mut next = Vec::new();
        if self.now < END {
            next.push(self.with(|world| world.now += 1));
        }
        self.take_overs(&mut next);
        for index in 0..2 {
            if let Some(runner) = self.runners[index] {
                self.steps(index, runner, rules, &mut next);
            }
        }
        self.deliveries(rules, &mut next);
        next
    }

    fn fault(&self) -> Option<&'static str> {
        if self.credits > 1 {
            return Some("paid twice");
        }
        if self.state == State::Credited && self.credits == 0 {
            return Some("called credited, and is not");
        }
        self.broken
    }
}

/// What a search found.
struct Found {
    worlds: usize,
    credited: usize,
    fault: Option<(&'static str, World)>,
}

/// Visits every world that can be reached; ends at the first fault.
fn explore(rules: Rules) -> Found {
    // A gateway whose clock is behind takes the oldest sends in; whatever else the clocks are allows less.
    let mut open: Vec<World> = [-APART, APART].map(|one| World::new([one, 0, -APART])).into();
    let mut known: HashSet<World> = open.iter().cloned().collect();
    let mut credited = 0;
    while let Some(world) = open.pop() {
        credited += usize::from(world.state == State::Credited);
        if let Some(fault) = world.fault() {
            return Found { worlds: known.len(), credited, fault: Some((fault, world)) };
        }
        for next in world.successors(rules) {
            if !known.contains(&next) {
                known.insert(next.clone());
                open.push(next);
            }
        }
    }
    Found { worlds: known.len(), credited, fault: None }
}

#[track_caller]
fn holds(rules: Rules) {
    let found = explore(rules);
    println!("{} worlds, credited in {}", found.worlds, found.credited);
    assert!(found.credited > 0, "nothing was ever paid");
    assert!(found.fault.is_none(), "{:?}", found.fault);
}

#[track_caller]
fn breaks(rules: Rules, expected: &[&str]) {
    let found = explore(rules);
    let fault = found.fault.map(|(fault, _)| fault);
    assert!(fault.is_some_and(|fault| expected.contains(&fault)), "{fault:?} among {} worlds", found.worlds);
}

#[test]
fn a_batch_that_changes_hands_is_paid_once_even_where_a_known_number_is_taken_again() {
    holds(ALL);
}

#[test]
fn without_the_bound_of_late_requests_the_gateways_refusal_of_a_known_number_is_enough() {
    holds(Rules { fence: false, repeats_refused: true, ..ALL });
}

#[test]
fn without_either_a_former_owner_pays_twice() {
    breaks(Rules { fence: false, ..ALL }, &["paid twice"]);
}

#[test]
fn a_new_owner_that_does_not_wait_for_what_the_former_sent_pays_twice() {
    breaks(Rules { bound_from_take_over: false, ..ALL }, &["paid twice"]);
}

#[test]
fn an_epoch_that_nobody_checks_lets_a_former_owner_write() {
    breaks(Rules { epoch_checked: false, ..ALL }, &["a former owner wrote"]);
    breaks(Rules { epoch_checked: false, head_checked: false, ..ALL }, &["a former owner wrote", "paid twice"]);
}

#[test]
fn a_permit_that_nobody_looks_at_outlives_its_owner() {
    breaks(Rules { permit_dies: false, ..ALL }, &["a former owner's permit was alive"]);
}
