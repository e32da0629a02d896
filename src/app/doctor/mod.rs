//! Checks everything that a run rests on, and makes one signed call that cannot move a point.
//!
//! It changes nothing, takes no lock, and runs beside a live run. A check that another one's failure makes pointless
//! is said to be left out, not passed over.

mod findings;
mod ledger;
mod network;
mod settings;
mod window;

use super::context::Context;
use super::failure::Failure;
pub use findings::{Finding, Findings, Line};

/// Looks at everything. `all_settings`: every value is named, with its source.
pub fn doctor(context: Context<'_>, all_settings: bool) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    settings::check_configuration(context, all_settings, &mut findings);
    if context.settings.config.is_absent() {
        ledger::check_ledger(context, &mut findings);
        findings
            .warn("gateway", "neither it nor the key and the network were looked at: the configuration comes first");
        return Ok(findings);
    }
    let gateway = settings::check_settings(context, &mut findings);
    settings::check_key(context, &mut findings);
    if ledger::check_ledger(context, &mut findings) {
        network::check_network(context, gateway.as_ref(), &mut findings)?;
    } else {
        findings.warn("network", "not looked at: the ledger belongs to another gateway or merchant");
    }
    Ok(findings)
}
