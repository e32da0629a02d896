//! The real program against the simulator over real sockets: killed, starved, interrupted, and audited each time.
//!
//! The simulator's own book is the judge of who was paid; the ledger is read with SQL, apart from the program's code.

#![cfg(unix)]

mod approvals;
mod asked_first;
#[cfg(test)]
mod audit;
mod backup;
mod canary;
mod cases;
mod contract;
#[cfg(debug_assertions)]
mod crash;
mod decisions;
mod doctor;
mod exits;
mod export;
mod files;
mod find;
mod first_use;
mod guards;
mod harness;
mod kill;
mod late;
mod ledger_lost;
mod live;
mod manual;
mod many;
mod metrics;
mod names;
mod notify;
mod outage;
mod pace;
mod purge;
mod reconcile;
mod rehearse;
mod repeats;
mod secrets;
mod set_up;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod shim;
mod slice;
mod status;
mod stuck;
mod trust;
mod unreached;
mod verify;
mod wire;
mod work;
