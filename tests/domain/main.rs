//! The pure core, judged from outside: what answers mean, what can follow what, and that nobody is ever paid twice.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod arbitrary_events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gateway_model;
#[cfg(test)]
mod history;
#[cfg(test)]
mod invoice_no;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod state_table;
#[cfg(test)]
mod takeover;
#[cfg(test)]
mod team;
#[cfg(test)]
mod words;
