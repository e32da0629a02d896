//! Tells how the proposals of a batch stand: what waits for a person's word, what was approved, and by whom.
//!
//! A plan is proposed, approved and only then paid; so is a decision that can pay again. All of it follows from the
//! batch's history, as a payout's state does.

use super::approval::{self, Actor, ApprovalRefusal, ProposalKind, ProposalState};
use super::sha256::Sha256;
use super::team::{Policy, Team};
use std::fmt;

/// What happened to the proposals of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalEvent {
    /// Something was proposed: the next version of the plan, or a decision.
    Proposed {
        /// What it is.
        kind: ProposalKind,
        /// SHA-256 of exactly what is proposed.
        seal: Sha256,
        /// Who proposed it.
        by: Actor,
    },
    /// Somebody approved what is sealed so.
    Approved {
        /// The seal that the person looked at.
        seal: Sha256,
        /// Who approved it.
        by: Actor,
    },
    /// Somebody else gave it back.
    SentBack {
        /// Whose word it was.
        by: Actor,
    },
    /// Whoever proposed it took it back.
    Withdrawn {
        /// Whose word it was.
        by: Actor,
    },
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number among the batch's proposals of its kind, from 1; never used again.
    pub version: u32,
    /// What it is.
    pub kind: ProposalKind,
    /// SHA-256 of exactly what is proposed.
    pub seal: Sha256,
    /// Who proposed it.
    pub by: Actor,
    /// Who approved it, in order; each once.
    pub approved_by: Vec<Actor>,
    /// How it stands.
    pub state: ProposalState,
}

impl Proposal {
    /// Whether it was approved by as many persons as a policy demands.
    #[must_use]
    pub fn is_approved_under(&self, policy: Policy) -> bool {
        self.state == ProposalState::Approved && approval::is_approved(policy, &self.by, &self.approved_by)
    }
}

/// Why a word about a proposal does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalRefusal {
    /// Nothing waits.
    NothingWaits,
    /// It was approved before, by these.
    ApprovedBefore(Vec<Actor>),
    /// Another seal: an older version, or something that was never proposed.
    OtherSeal {
        /// The seal of what waits.
        waits: Sha256,
    },
    /// A decision waits, and has to come to its end first.
    DecisionWaits(ProposalKind),
    /// The person may not.
    Approval(ApprovalRefusal),
    /// It would be another plan by now.
    OutOfDate,
    /// Only whoever proposed it takes it back.
    NotTheirs(Actor),
    /// Nobody sends back what they proposed themselves.
    OwnProposal,
}

impl fmt::Display for ProposalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingWaits => f.write_str("nothing waits for approval"),
            Self::ApprovedBefore(by) => {
                let names: Vec<String> = by.iter().map(Actor::to_string).collect();
                write!(f, "it is approved already, by {}", names.join(" and "))
            }
            Self::OtherSeal { waits } => {
                write!(f, "the seal is not that of what waits, which is {waits}")
            }
            Self::DecisionWaits(kind) => write!(f, "a {} waits for approval; it comes first", kind.word()),
            Self::Approval(refusal) => refusal.fmt(f),
            Self::OutOfDate => f.write_str(
                "the plan is out of date: what it would pay is paid by another batch meanwhile, or goes elsewhere by now; it \
                 has to be withdrawn, and the file planned again",
            ),
            Self::NotTheirs(by) => write!(f, "it was proposed by {by}, who alone takes it back; others send it back"),
            Self::OwnProposal => f.write_str("it is your own proposal; withdraw it"),
        }
    }
}

impl std::error::Error for ProposalRefusal {}

impl From<ApprovalRefusal> for ProposalRefusal {
    fn from(refusal: ApprovalRefusal) -> Self {
        Self::Approval(refusal)
    }
}

/// The proposals of a batch, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals(Vec<Proposal>);

impl Proposals {
    /// Every proposal, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Proposal] {
        &self.0
    }

    /// What waits for a person's word: the newest proposal that nobody brought to an end.
    #[must_use]
    pub fn waiting(&self) -> Option<&Proposal> {
        self.0.iter().rfind(|proposal| proposal.state.waits())
    }

    /// What a person's word is awaited for under a policy: what waits, or else a plan that was approved by fewer persons
    /// than the policy, which was raised since, demands now.
    #[must_use]
    pub fn open_under(&self, policy: Policy) -> Option<&Proposal> {
        let short = |plan: &&Proposal| !approval::is_approved(policy, &plan.by, &plan.approved_by);
        self.waiting().or_else(|| self.approved_plan().filter(short))
    }

    /// The plan up to whose version payouts may be paid.
    #[must_use]
    pub fn approved_plan(&self) -> Option<&Proposal> {
        self.0.iter().rfind(|proposal| is_plan(proposal, ProposalState::Approved))
    }

    /// The plan that waits, if a plan does.
    #[must_use]
    pub fn waiting_plan(&self) -> Option<&Proposal> {
        self.waiting().filter(|proposal| proposal.kind == ProposalKind::Plan)
    }

    /// The same, where the plan that waits would be another one by now.
    #[must_use]
    pub fn outdated(mut self) -> Self {
        let plan = self.0.iter_mut().rfind(|proposal| is_plan(proposal, ProposalState::Proposed));
        if let Some(plan) = plan {
            plan.state = ProposalState::OutOfDate;
        }
        self
    }

    /// The number of the next proposal of a kind.
    #[must_use]
    pub fn next_version(&self, kind: ProposalKind) -> u32 {
        let before = self.0.iter().filter(|proposal| proposal.kind == kind).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The proposals after one more event, under the team of that moment.
    ///
    /// # Errors
    /// Why the event is not allowed.
    pub fn after(mut self, event: &ProposalEvent, team: &Team) -> Result<Self, ProposalRefusal> {
        match event {
            ProposalEvent::Proposed { kind, seal, by } => self.propose(*kind, *seal, by, team)?,
            ProposalEvent::Approved { seal, by } => self.approve(*seal, by, team)?,
            ProposalEvent::SentBack { by } => {
                let proposal = self.waiting_mut()?;
                if proposal.by == *by && by.person().is_some() {
                    return Err(ProposalRefusal::OwnProposal);
                }
                approval::may_approve(team, &proposal.by, by)?;
                proposal.state = ProposalState::SentBack;
            }
            ProposalEvent::Withdrawn { by } => {
                let proposal = self.waiting_mut()?;
                // What nobody signed anybody may take back: nothing is paid by it.
                if proposal.by != *by && proposal.by.person().is_some() {
                    return Err(ProposalRefusal::NotTheirs(proposal.by.clone()));
                }
                proposal.state = ProposalState::Withdrawn;
            }
        }
        Ok(self)
    }

    fn propose(&mut self, kind: ProposalKind, seal: Sha256, by: &Actor, team: &Team) -> Result<(), ProposalRefusal> {
        approval::may_propose(team, by)?;
        if let Some(waiting) = self.waiting().filter(|waiting| waiting.kind != ProposalKind::Plan) {
            return Err(ProposalRefusal::DecisionWaits(waiting.kind));
        }
        let version = self.next_version(kind);
        let state = ProposalState::Proposed;
        self.0.push(Proposal { version, kind, seal, by: by.clone(), approved_by: Vec::new(), state });
        Ok(())
    }

    /// Two clicks are one approval. A plan whose approvals no longer suffice, since the policy was raised, takes more.
    fn approve(&mut self, seal: Sha256, by: &Actor, team: &Team) -> Result<(), ProposalRefusal> {
        let waits = self.0.iter().rposition(|proposal| proposal.state.waits());
        let approved = || self.0.iter().rposition(|proposal| is_plan(proposal, ProposalState::Approved));
        let place = waits.or_else(approved).ok_or(ProposalRefusal::NothingWaits)?;
        let proposal = &mut self.0[place];
        if proposal.seal != seal {
            return Err(ProposalRefusal::OtherSeal { waits: proposal.seal });
        }
        if proposal.state == ProposalState::OutOfDate {
            return Err(ProposalRefusal::OutOfDate);
        }
        let suffices = approval::is_approved(team.policy(), &proposal.by, &proposal.approved_by);
        if suffices || proposal.approved_by.contains(by) {
            return Err(ProposalRefusal::ApprovedBefore(proposal.approved_by.clone()));
        }
        approval::may_approve(team, &proposal.by, by)?;
        proposal.approved_by.push(by.clone());
        if !approval::is_approved(team.policy(), &proposal.by, &proposal.approved_by) {
            return Ok(());
        }
        proposal.state = ProposalState::Approved;
        if proposal.kind == ProposalKind::Plan {
            self.approve_what_it_holds(place);
        }
        Ok(())
    }

    /// A version of the plan is sealed with everything that the ones before it have: whoever approves it approves them.
    fn approve_what_it_holds(&mut self, place: usize) {
        let approved_by = self.0[place].approved_by.clone();
        for earlier in self.0[..place].iter_mut().filter(|proposal| is_plan(proposal, ProposalState::Proposed)) {
            earlier.state = ProposalState::Approved;
            earlier.approved_by.clone_from(&approved_by);
        }
    }

    fn waiting_mut(&mut self) -> Result<&mut Proposal, ProposalRefusal> {
        let waiting = self.0.iter_mut().rfind(|proposal| proposal.state.waits());
        waiting.ok_or(ProposalRefusal::NothingWaits)
    }
}

fn is_plan(proposal: &Proposal, state: ProposalState) -> bool {
    proposal.kind == ProposalKind::Plan && proposal.state == state
}

#[cfg(test)]
mod tests {
    use super::super::team::{Person, PersonName, Role, TeamEvent};
    use super::*;

    fn by(text: &str) -> Actor {
        Actor::Person(PersonName::parse(text).unwrap())
    }

    fn system() -> Actor {
        Actor::System("lan@laptop".to_owned())
    }

    /// Three people who may do everything.
    fn team(policy: Policy) -> Team {
        let name = |text: &str| PersonName::parse(text).unwrap();
        let mut events = Vec::new();
        for who in ["lan", "minh", "an"] {
            let added_by = (who != "lan").then(|| name("lan"));
            let ssh_key = Some(format!("key of {who}"));
            events.push(TeamEvent::PersonAdded(Person {
                name: name(who),
                roles: Role::ALL.to_vec(),
                ssh_key,
                added_by,
            }));
        }
        if policy == Policy::TwoPersons {
            events.push(TeamEvent::PolicyAsked { policy, by: name("lan") });
        }
        Team::from_history(&events).unwrap()
    }

    fn proposed(kind: ProposalKind, seal: u8, who: Actor) -> ProposalEvent {
        ProposalEvent::Proposed { kind, seal: Sha256::from_bytes([seal; 32]), by: who }
    }

    fn approved(seal: u8, who: Actor) -> ProposalEvent {
        ProposalEvent::Approved { seal: Sha256::from_bytes([seal; 32]), by: who }
    }

    fn after(events: &[ProposalEvent], policy: Policy) -> Proposals {
        let team = team(policy);
        events.iter().fold(Proposals::default(), |proposals, event| proposals.after(event, &team).unwrap())
    }

    fn versions(proposals: &Proposals) -> (Option<u32>, Option<u32>) {
        let version = |proposal: &Proposal| proposal.version;
        (proposals.waiting().map(version), proposals.approved_plan().map(version))
    }

    #[test]
    fn a_plan_waits_until_somebody_else_approved_exactly_it() {
        use ProposalKind::Plan;
        let team = team(Policy::TwoPersons);
        let waits = after(&[proposed(Plan, 1, by("lan"))], Policy::TwoPersons);
        assert_eq!(versions(&waits), (Some(1), None));
        let refused = |event: ProposalEvent| waits.clone().after(&event, &team).unwrap_err();
        assert_eq!(refused(approved(2, by("an"))), ProposalRefusal::OtherSeal { waits: Sha256::from_bytes([1; 32]) });
        assert!(matches!(refused(approved(1, by("lan"))), ProposalRefusal::Approval(ApprovalRefusal::OwnProposal(_))));
        let paid = waits.clone().after(&approved(1, by("an")), &team).unwrap();
        assert_eq!(versions(&paid), (None, Some(1)));
        let again = paid.after(&approved(1, by("minh")), &team).unwrap_err();
        assert_eq!(again, ProposalRefusal::ApprovedBefore(vec![by("an")]));
    }

    #[test]
    fn what_nobody_signed_takes_two_approvers() {
        let team = team(Policy::TwoPersons);
        let one = after(&[proposed(ProposalKind::Plan, 1, system()), approved(1, by("an"))], Policy::TwoPersons);
        assert_eq!(versions(&one), (Some(1), None));
        assert!(one.clone().after(&approved(1, by("an")), &team).is_err());
        let two = one.after(&approved(1, by("minh")), &team).unwrap();
        assert_eq!(versions(&two), (None, Some(1)));
    }

    #[test]
    fn a_newer_version_holds_the_older_one_and_leaves_it_when_it_is_taken_back() {
        use ProposalKind::Plan;
        let two = [proposed(Plan, 1, by("lan")), proposed(Plan, 2, by("lan"))];
        let waits = after(&two, Policy::TwoPersons);
        assert_eq!(versions(&waits), (Some(2), None));
        let team = team(Policy::TwoPersons);
        assert!(waits.clone().after(&approved(1, by("an")), &team).is_err(), "an older version");
        let both = waits.clone().after(&approved(2, by("an")), &team).unwrap();
        assert_eq!(versions(&both), (None, Some(2)));
        assert!(both.all().iter().all(|plan| plan.state == ProposalState::Approved));
        let back = waits.clone().after(&ProposalEvent::Withdrawn { by: by("lan") }, &team).unwrap();
        assert_eq!(versions(&back), (Some(1), None));
        let third = back.after(&proposed(Plan, 3, by("lan")), &team).unwrap();
        assert_eq!(versions(&third), (Some(3), None), "a version is never used again");
        let not_theirs = waits.clone().after(&ProposalEvent::Withdrawn { by: by("an") }, &team).unwrap_err();
        assert_eq!(not_theirs, ProposalRefusal::NotTheirs(by("lan")));
        assert!(waits.clone().after(&ProposalEvent::SentBack { by: by("an") }, &team).is_ok());
        let own = waits.after(&ProposalEvent::SentBack { by: by("lan") }, &team).unwrap_err();
        assert_eq!(own, ProposalRefusal::OwnProposal);
    }

    #[test]
    fn a_raised_policy_asks_again() {
        let events = [proposed(ProposalKind::Plan, 1, by("lan")), approved(1, by("lan"))];
        let alone = after(&events, Policy::OnePerson);
        assert_eq!(versions(&alone), (None, Some(1)));
        let team = team(Policy::TwoPersons);
        let more = alone.after(&approved(1, by("an")), &team).unwrap();
        assert_eq!(more.approved_plan().unwrap().approved_by, [by("lan"), by("an")]);
    }

    #[test]
    fn a_decision_waits_beside_the_plan_and_one_at_a_time() {
        use ProposalKind::{Plan, Retry};
        let events = [proposed(Plan, 1, by("lan")), approved(1, by("an")), proposed(Retry, 2, by("lan"))];
        let waits = after(&events, Policy::TwoPersons);
        assert_eq!((waits.waiting().unwrap().kind, versions(&waits)), (Retry, (Some(1), Some(1))));
        let team = team(Policy::TwoPersons);
        let second = waits.clone().after(&proposed(Plan, 3, by("lan")), &team).unwrap_err();
        assert_eq!(second, ProposalRefusal::DecisionWaits(Retry));
        let decided = waits.after(&approved(2, by("an")), &team).unwrap();
        assert_eq!(versions(&decided), (None, Some(1)));
        assert!(after(&[], Policy::TwoPersons).after(&approved(1, by("an")), &team).is_err());
    }
}
