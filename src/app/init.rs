//! Writes a configuration to begin with, and makes the key that requests are signed with. Nothing that is there is overwritten.

use super::failure::{Ending, Failure};
use crate::domain::hint::{Choice, Hint};
use crate::gateway::PrivateKey;
use crate::private_file;
use crate::simulator::generate_key_pem;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("init.toml");
/// What the configuration calls the key beside it.
const KEY: &str = "merchant.pem";

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The configuration.
    pub config: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// The key was not there before.
    pub key_is_new: bool,
    /// The public half of the key, as PEM: what the provider gets.
    pub public_pem: String,
}

/// Makes a configuration at this path, and a key beside it where there is none.
pub fn init(config: &Path) -> Result<Made, Failure> {
    let failed = |error| Failure::new(Ending::Failed, "file", error);
    let key = private_file::folder_of(config).join(KEY);
    if config.symlink_metadata().is_ok() {
        let message = format!("{} is there already, and nothing is overwritten", config.display());
        let hint = Hint::of("change it in an editor, or name another file: ").choice(Choice::Config);
        return Err(Failure::said(Ending::Usage, "exists", message).with_hint(hint));
    }
    let key_is_new = key.symlink_metadata().is_err();
    if key_is_new {
        write_new(&key, &generate_key_pem()?).map_err(failed)?;
    }
    // Read as a run reads it: what is no key for a run is said before a configuration names it.
    let public_pem = PrivateKey::load(&key, None)?.public_pem();
    write_new(config, CONFIG).map_err(failed)?;
    Ok(Made { config: config.to_owned(), key, key_is_new, public_pem })
}

/// Writes a file that only its owner may read, and that was not there before.
fn write_new(path: &Path, text: &str) -> Result<(), anyhow::Error> {
    private_file::options()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("writing {}", path.display()))
}
