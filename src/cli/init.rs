//! `topup init`: a configuration to begin with, a key, and its public half for the provider.

use super::hints::command;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::{CONFIG_FILE, Failure, Step, init};
use serde_json::json;
use std::path::Path;

pub(super) fn init(config: Option<&Path>) -> Result<Report, Failure> {
    let made = init::init(config.unwrap_or_else(|| Path::new(CONFIG_FILE)))?;
    let (config, key) = (made.config.display(), made.key.display());
    let key_words = if made.key_is_new {
        format!("made the private key {key}: whoever has it can pay points, so it is for this account alone")
    } else {
        format!("the private key {key} was there, and is taken")
    };
    let text = format!(
        "wrote {config}\n{key_words}\nits public half, to send to the provider:\n{public}next: fill in merchant_id, \
         terminal_id and key_code in {config}, then: {doctor}\n",
        public = made.public_pem,
        doctor = command(&Step::Doctor),
    );
    let json = json!({
        "config": config.to_string(), "private_key": key.to_string(), "private_key_made": made.key_is_new,
        "public_key": made.public_pem,
    });
    Ok(Terminal::shown(json, text))
}
