//! `topup completions` and `topup man`: what a shell and `man` are to know of the command line, made from itself.

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::output::{Output, Report};
use crate::app::clock::unix_ms;
use crate::app::{Ending, Failure, counted};
use anyhow::Context as _;
use clap::CommandFactory;
use serde_json::json;
use std::path::Path;

const NAME: &str = "topup";

/// Prints a shell's completions.
pub(super) fn completions(output: Output, args: &CompletionsArgs) -> Result<Report, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    output.bare(&script)?;
    let json = json!({"shell": args.shell.to_string(), "script": script});
    Ok(Report { ending: Ending::Done, json, text: String::new() })
}

/// Prints the manual page, or writes one for every command.
pub(super) fn man(output: Output, args: &ManArgs) -> Result<Report, Failure> {
    let failed = |error| Failure::new(Ending::Failed, "manual", error);
    let Some(folder) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).context("making the page").map_err(failed)?;
        let page = String::from_utf8_lossy(&page).into_owned();
        output.bare(&page)?;
        return Ok(Report { ending: Ending::Done, json: json!({"page": page}), text: String::new() });
    };
    let pages = write_pages(folder).with_context(|| format!("writing to {}", folder.display())).map_err(failed)?;
    let text = format!("wrote {} to {}\n", counted(pages.len() as u64, "page"), folder.display());
    Ok(Report { ending: Ending::Done, json: json!({"files": pages}), text })
}

/// Each page under a passing name first: one that was written half is none.
fn write_pages(folder: &Path) -> std::io::Result<Vec<String>> {
    std::fs::create_dir_all(folder)?;
    let passing = folder.join(format!(".topup-man-{}-{}", std::process::id(), unix_ms()));
    std::fs::create_dir(&passing)?;
    let written = move_pages(&passing, folder);
    let _ = std::fs::remove_dir_all(&passing);
    written
}

fn move_pages(passing: &Path, folder: &Path) -> std::io::Result<Vec<String>> {
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), passing)?;
    let mut pages = Vec::new();
    for page in std::fs::read_dir(passing)? {
        let name = page?.file_name();
        std::fs::rename(passing.join(&name), folder.join(&name))?;
        pages.push(name.to_string_lossy().into_owned());
    }
    pages.sort();
    Ok(pages)
}
