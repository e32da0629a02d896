//! Pays loyalty points (VinID Point) to members from a spreadsheet: nobody is ever paid twice, no outcome is ever
//! lost, and a rerun just finishes the job.
//!
//! # The one idea: in doubt by default
//! A payout is committed as *in doubt* before its top-up leaves the machine, and only a definite answer moves it out.
//! A crash, a timeout, a 5xx, a garbled answer, Ctrl-C and a power cut are then one state with one way out, the
//! order-status query. There is no recovery code beside the normal code: a rerun loads what is in doubt and resolves
//! it first.
//!
//! ```text
//!  file ──intake──▶ rows ──plan──▶ planned ─┬─ member says no, name differs (and the order is absent) ─▶ ineligible, held
//!                                           └─ intent durable ─▶ in doubt ─┬─ credited, or status S ──▶ credited
//!                                                  ▲                │   │  └─ refused, or status E ───▶ declined
//!                                                  │                │   └─ absent + settle time: the same number again
//!                                                  └────────────────┘ every send known to have done nothing
//! ```
//!
//! # Where things are, in the order in which to read them
//! - [`domain`]: what a payout is, what each answer means, what the next step is. Pure.
//! - [`ledger`]: what is durable, and the permit that a send needs.
//! - [`gateway`]: the three calls over HTTP. [`intake`]: spreadsheets to rows.
//! - [`plan`]: a file and the ledger to a sealed plan.
//! - [`engine`]: the run. [`report`]: what became of it, for people and scripts.
//! - [`simulator`]: a gateway on loopback with a book of its own, the judge of tests and of the demo.
//! - [`app`]: the use cases, whichever door one comes by. [`cli`]: arguments, prompts, words, exit statuses.
//!
//! ```text
//! domain  ◀── intake  gateway  ledger ◀── plan  engine  report ◀── app ◀── cli, main
//!                                           simulator: shares nothing with gateway; app plays with it
//! ```
//! One arrow goes between neighbours: `gateway` takes the ledger's [`ledger::SubmitPermit`], so that a POST without a
//! durable intent does not compile. `tests/arrows/` holds all arrows.
//!
//! # The walk of a row
//! A row of a payout file, from its bytes to its credit on a first run; each line is one room, in the order in which the
//! row comes by. A room that is indented gives the row back to the one above it.
//!
//! ```text
//! plan/reading.rs                    takes the rows of a file that somebody proposes, one by one
//!   intake/stream.rs                 the next row of the file, whatever its format
//!     intake/text_rows.rs            bytes to cells (of a workbook: sheet.rs, which a reader filled before)
//!     intake/row_parser.rs           cells to a typed row, or to everything that is wrong with it
//!       intake/phone.rs, points.rs   one cell each
//!   domain/row_key.rs                what makes it the same row when the file comes again
//!   ledger/planning.rs               known, changed, or new: then sealed, and stored as planned
//!     domain/invoice_no.rs           the number under which it will be sent, always
//! engine/coordinator.rs              what was approved is paid: takes payouts up, decides, and alone writes
//!   engine/source.rs                 the payout, from a page of the ledger
//!   domain/payout_process.rs         its next step: ask about the member, send, ask what became of it, rest
//!   engine/queue.rs                  waits there for a slot
//! engine/dispatch.rs                 a slot is free: the intent goes into the ledger before the call
//!   ledger/writer.rs                 in doubt, committed and synced; the permit is minted
//!   engine/slots.rs                  the call is under way, from here to its end
//!     engine/worker.rs               leaves at its moment
//!       gateway/client.rs            signed with the permit, sent once
//! engine/outcome.rs                  what came back
//!   domain/answer.rs                 what it means
//!   domain/payout_process.rs         what the payout is then: credited
//!   ledger/writer.rs                 and that is durable
//! report/summary.rs                  it is counted
//! ```
//! Each call goes down, or to a neighbour: no room hands the row to one of a higher layer. `app/propose.rs` and `app/pay.rs`
//! begin the two halves, once for a file and once for a run, and no row passes through them. The ledger's rooms keep what they are
//! given by statements (`ledger/sqlite`), which decide nothing. A pre-check is one more turn of the same rooms from
//! `dispatch` to `outcome`, before the send.
//!
//! # What was decided otherwise than one would expect
//! - **A refusal of a second send says nothing about the first.** A payout whose first send was lost and whose second
//!   was refused stays in doubt, whatever the refusal: a person may have to look at it. The gateway checks other
//!   things before it recognises a number, so the refusal could follow a credit.
//! - **Only a connection that was never made counts as not sent.** Any other failure of the client is in doubt.
//! - **HTTP 429 is a refusal only with a `meta.code` of the gateway's own.** Anybody in front of it can say 429, behind
//!   which it may have credited; with `meta.code` 200 it contradicts itself. Both are in doubt rather than refused.
//! - **Each top-up and each order-status query has a connection of its own.** HTTP/1.1 ties an answer to its request by
//!   their order alone: an answer that a proxy delivers twice is taken for the next request's, however long the connection
//!   was quiet in between.
//! - **A top-up is stamped nearly as old as the gateway takes it**, so that the gateway refuses it when it is delivered
//!   later than [`gateway::Fence::within`] after its intent. The settle time counts from there
//!   ([`domain::payout_process::Policy::proof_after`]): an absence after it means that nothing of the send can still
//!   arrive, and that the gateway had its time with what did. What it queues for longer is not bounded by that. The bound counts from before the commit of the intent ([`ledger::SubmitPermit::intended_at`]) on a clock
//!   that counts sleep ([`moment`]); whoever was stopped in between finds a dead permit, or a gateway that refuses.
//! - **A permit lives shorter than the bound by the time that a call may take**: an answer "too old" then speaks for
//!   every copy of the request, not only for a second delivery that came later than the first.
//! - **The simulator** speaks HTTP through `hyper` directly: a router cannot drop a connection without an answer, and
//!   that is the fault that matters most.
//! - **The pacer** asks `governor` on a clock of its own that stands at the ideal time of each departure: with the
//!   real clock and a burst of one, every late timer would cost its delay for good.

//!
//! # Where the time goes
//! Two RSA-2048 signatures a row, one for member info and one for the top-up, are the ceiling: nothing else in a run comes
//! near them. By the profile of a clean run without a rate limit, the threads that sign take 83 % of the processor time, the
//! one that decides and talks to the gateway 12 %, the ledger's 5 %.
//!
//! What brought it there, by the profiler (`cargo bench --bench whole -- run` prints the figures):
//! - Commits wait 4 ms for company: 23,000 syncs for 30,000 rows became 2,600, and 13 page writes a row became 2.4.
//! - Signatures have a queue and threads of their own, one a processor, and everything else has one thread: no answer waits
//!   for a signature, the coordinator is never woken across threads, and a thread that is done takes the next signature
//!   without sleeping. With tokio's threads for what blocks, each signature cost two switches.
//! - Words are checked in pairs: for a CHECK of more than two words SQLite makes a table at each row that it writes. With
//!   that, with an event hashed in one piece and with no `UPDATE … RETURNING`, the ledger's instructions for a row became
//!   less than a third.
//! - At most 128 requests wait for a commit or a signature. Without that bound a run that the processor cannot keep up with
//!   opened a thousand connections, and took twice the memory.
//! - SQLite without its locks around memory; statements that stay parsed (sixteen, the default, drove each other out); an
//!   allocator for small pieces.
//! - A plan is written with a larger page cache, since members and numbers go into their indexes in no order. A file that
//!   comes again is compared along the order of the plan, page by page, with no search; a row that is known has its number
//!   already, and nothing of it is derived or copied.
//!
//! What did not pay: a thread that reads ahead of the comparison, and one codegen unit. Of what is left in a request, most is
//! reqwest parsing its own URL again.

pub mod app;
mod caught;
pub mod cli;
mod crash;
pub mod domain;
pub mod engine;
pub mod gateway;
pub mod intake;
pub mod ledger;
pub mod moment;
pub mod plan;
mod private_file;
pub mod report;
pub mod simulator;
pub mod sshsig;
