//! What can be typed about the simulator, the manual and completions.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  topup simulator --faults lost_after=0.03,http_500_applied=0.02\n\n\
    The book is at GET /book, the counters at GET /stats; POST /faults changes the faults while it runs.")]
pub(crate) struct SimulatorArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8099)]
    pub(crate) port: u16,
    /// Private key whose signatures are accepted (default: the configuration's gateway.private_key)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Make a new private key at the path of --key, if there is none
    #[arg(long, requires = "key")]
    pub(crate) make_key: bool,
    /// Members as CSV, with the columns phone, card_no, user_id, full_name, status, card_status, check_code, topup_code; or a payout file, whose
    /// members are active and called as it says [default: every phone, without a name]
    #[arg(long, value_name = "FILE")]
    pub(crate) members: Option<PathBuf>,
    /// Keep the book in FILE, and go on with the one that is there
    #[arg(long, value_name = "FILE")]
    pub(crate) book: Option<PathBuf>,
    /// Faults and their probabilities, as in lost_after=0.03,seed=7; `help` lists them
    #[arg(long, value_name = "PLAN", default_value = "none")]
    pub(crate) faults: String,
    /// Mean latency of an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// End after so many seconds
    #[arg(long, value_name = "S")]
    pub(crate) for_s: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup completions bash > ~/.local/share/bash-completion/completions/topup\n  \
    topup completions zsh > \"${fpath[1]}/_topup\"\n  \
    topup completions fish > ~/.config/fish/completions/topup.fish\n\n\
    A new shell knows them.")]
pub(crate) struct CompletionsArgs {
    /// Whose completions
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup man | man -l -                           read it now\n  \
    topup man --dir ~/.local/share/man/man1        a page for every command; then: man topup-run")]
pub(crate) struct ManArgs {
    /// Write a page for every command into this folder, which is made if need be
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}
