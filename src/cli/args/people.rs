//! What can be typed about people, and their word.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Whose word a command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhoArgs {
    /// The person whose word it is, as `topup people list` names them
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// The person's OpenSSH key: a private one, or a public one whose agent is at SSH_AUTH_SOCK
    #[arg(long, value_name = "KEYFILE", requires = "person")]
    pub(crate) sign: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup people add lan --role administrator,submitter --ssh-key lan.pub        the first person\n  \
    topup people add minh --role approver --ssh-key minh.pub --as lan --sign lan.key\n  \
    topup people list\n  \
    topup people remove minh --why \"left the company\" --as lan --sign lan.key\n\n\
    Roles: viewer (looks), submitter (proposes plans and decisions), approver (approves what somebody else proposed),\n\
    administrator (people, keys and policy; no say about money).")]
pub(crate) struct PeopleArgs {
    #[command(subcommand)]
    pub(crate) action: PeopleAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleAction {
    /// Add a person
    Add {
        /// 1 to 64 of a-z 0-9 . _ -
        name: String,
        /// viewer, submitter, approver, administrator; several with commas
        #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',')]
        role: Vec<String>,
        /// The public half of the person's OpenSSH key
        #[arg(long, value_name = "FILE")]
        ssh_key: Option<PathBuf>,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// List everybody
    List,
    /// Remove a person
    Remove {
        /// Who
        name: String,
        /// The reason, which is kept in the history
        #[arg(long, value_name = "TEXT", required = true)]
        why: String,
        #[command(flatten)]
        who: WhoArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup policy\n  \
    topup policy --persons 2 --why \"four eyes from December on\" --as lan --sign lan.key\n\n\
    With 2, nobody approves what they proposed. Going back to 1 takes two administrators: both type the command.")]
pub(crate) struct PolicyArgs {
    /// How many persons a plan needs: 1 or 2
    #[arg(long, value_name = "N", requires = "why")]
    pub(crate) persons: Option<u8>,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", requires = "persons")]
    pub(crate) why: Option<String>,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  topup approval 2026-11 > bytes\n  ssh-keygen -Y sign -n topup -f minh.key bytes\n  \
    topup approve 2026-11 --as minh --signature bytes.sig\n\nIt prints exactly the bytes that are signed."
)]
pub(crate) struct ApprovalArgs {
    /// The batch
    pub(crate) batch: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup approve 2026-11 --as minh --sign minh.key\n  \
    topup approve 2026-11 --plan 9f2c… --as minh --signature bytes.sig\n\n\
    With one person per plan, neither --as nor --sign is needed.")]
pub(crate) struct ApproveArgs {
    /// The batch
    pub(crate) batch: String,
    /// The seal that was looked at: anything else that waits is not approved
    #[arg(long, value_name = "SHA256")]
    pub(crate) plan: Option<String>,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
    /// What `ssh-keygen -Y sign -n topup` made of the bytes that `topup approval` prints
    #[arg(long, value_name = "FILE", requires = "person", conflicts_with = "sign")]
    pub(crate) signature: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup send-back 2026-11 --why \"row 17 left the company\" --as minh\n  \
    topup withdraw 2026-11 --why \"another file follows\" --as lan\n\n\
    What was sent back or withdrawn is not paid; the same rows may be proposed again.")]
pub(crate) struct TakeBackArgs {
    /// The batch
    pub(crate) batch: String,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", required = true)]
    pub(crate) why: String,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
}
