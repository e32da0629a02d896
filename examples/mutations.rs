//! Runs the table of mutations, `tests/mutations/mutations.toml`: each in a copy of the repository below `target`, with
//! a build folder of its own, so that no program with a defence switched off ever lies where someone would run it.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for the terminal, which stops where it fails")]

#[path = "../tests/mutations/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use table::Mutation;

/// A test that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// The copy, and where it is built.
struct Copy {
    root: PathBuf,
    tree: PathBuf,
    build: PathBuf,
}

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/mutations");
    let copy = Copy { tree: folder.join("tree"), build: folder.join("build"), root };
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |mutation: &Mutation| wanted.is_empty() || wanted.iter().any(|part| mutation.defence.contains(part));
    let mutations: Vec<Mutation> = table::read(&copy.root).into_iter().filter(chosen).collect();
    let began = Instant::now();
    copy.renew();
    let all: Vec<(&str, &str)> = mutations.iter().flat_map(Mutation::targets).collect();
    if let Err(problem) = copy.expect(&all, "ok") {
        println!("without any mutation: {problem}");
        return ExitCode::FAILURE;
    }
    println!("without any mutation every named test passes ({} s)\n", began.elapsed().as_secs());
    let mut missed = 0;
    for mutation in &mutations {
        let (began, verdict) = (Instant::now(), copy.judge(mutation));
        copy.renew();
        let seconds = began.elapsed().as_secs();
        match (&verdict, &mutation.behind) {
            (Ok(()), None) => println!("caught    {seconds:>4} s  {}: {}", mutation.defence, mutation.off),
            (Ok(()), Some(_)) => println!("behind    {seconds:>4} s  {}: {}", mutation.defence, mutation.off),
            (Err(_), _) => println!("NOT CAUGHT{seconds:>4} s  {}: {}", mutation.defence, mutation.off),
        }
        mutation.tests.iter().for_each(|test| println!("                  {test}"));
        mutation.behind.iter().for_each(|behind| println!("                  behind {behind}"));
        if let Err(problem) = verdict {
            println!("{problem}");
            missed += 1;
        }
    }
    println!("\n{} mutations, {missed} not caught, {} s", mutations.len(), began.elapsed().as_secs());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Copy {
    /// Makes the copy what the repository is.
    fn renew(&self) {
        renew(&self.root, &self.tree, true);
    }

    /// Applies a mutation and runs its tests: each has to fail. What is behind another defence has to compile.
    fn judge(&self, mutation: &Mutation) -> Result<(), String> {
        for (file, text) in mutation.apply(&self.tree)? {
            fs::write(self.tree.join(file), text).expect("writing into the copy");
        }
        if mutation.behind.is_some() {
            let (compiles, output) = self.cargo(&["test", "--no-run", "--lib"], "lib")?;
            return if compiles { Ok(()) } else { Err(output) };
        }
        self.expect(&mutation.targets().collect::<Vec<_>>(), "FAILED")
    }

    /// Runs tests, and demands that each of them ends like this.
    fn expect(&self, tests: &[(&str, &str)], word: &str) -> Result<(), String> {
        let mut by_target = BTreeMap::<&str, Vec<&str>>::new();
        for (target, test) in tests {
            let tests = by_target.entry(target).or_default();
            if !tests.contains(test) {
                tests.push(test);
            }
        }
        for (target, tests) in by_target {
            let which: &[&str] = if target == "lib" { &["--lib"] } else { &["--test", target] };
            let (compiles, output) = self.cargo(&[&["test", "--no-run"], which].concat(), target)?;
            if !compiles {
                return Err(format!("it does not compile:\n{output}"));
            }
            let (_, output) = self.cargo(&[&["test"], which, &["--", "--exact"], &tests].concat(), target)?;
            let ended = |test: &&&str| !output.contains(&format!("test {test} ... {word}"));
            if let Some(test) = tests.iter().find(ended) {
                return Err(format!("expected of {target} {test}: {word}\n{output}"));
            }
        }
        Ok(())
    }

    /// Whether cargo succeeded in the copy, and what it said.
    fn cargo(&self, arguments: &[&str], name: &str) -> Result<(bool, String), String> {
        let log = self.build.join(format!("{name}.log"));
        fs::create_dir_all(&self.build).expect("making the build folder");
        let file = File::create(&log).expect("making a log");
        let (subcommand, rest) = arguments.split_first().expect("a subcommand");
        let mut child = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([subcommand, "--locked"])
            .args(rest)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.build)
            .envs([("CARGO_INCREMENTAL", "1"), ("CARGO_PROFILE_DEV_DEBUG", "0"), ("INSTA_UPDATE", "no")])
            .env("RUST_BACKTRACE", "0")
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("starting cargo");
        let began = Instant::now();
        let passed = loop {
            if let Some(status) = child.try_wait().expect("waiting for cargo") {
                break status.success();
            }
            if began.elapsed() > PATIENCE {
                drop((child.kill(), child.wait()));
                return Err(format!("{name} hangs: see {}", log.display()));
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        Ok((passed, fs::read_to_string(&log).expect("reading the log")))
    }
}

/// Copies what differs, and removes what is not in `from`; `top`: the build folder and the history stay out.
fn renew(from: &Path, to: &Path, top: bool) {
    fs::create_dir_all(to).expect("making the copy");
    let names = |folder: &Path| -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(folder).expect("reading a folder").map(|entry| entry.expect("an entry").file_name());
        entries.filter(|name| !top || !["target", ".git"].iter().any(|other| name == *other)).collect()
    };
    for name in names(to).iter().filter(|name| !from.join(name).exists()) {
        let gone = to.join(name);
        let removed = if gone.is_dir() { fs::remove_dir_all(&gone) } else { fs::remove_file(&gone) };
        removed.expect("removing what is gone");
    }
    for name in names(from) {
        let (source, copy) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            renew(&source, &copy, false);
        } else if fs::read(&copy).ok() != Some(fs::read(&source).expect("reading a file")) {
            fs::copy(&source, &copy).expect("copying a file");
        }
    }
}
