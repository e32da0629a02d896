//! Runs the program under test in a folder of its own, and measures it from outside: time, processor time, memory.

use crate::Outcome;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A folder with a key and a configuration.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) key: RsaKeyPair,
}

/// What one command took.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) status: ExitStatus,
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    /// Resident at the most, in bytes.
    pub(crate) memory: u64,
}

impl Place {
    pub(crate) fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let der: Pkcs8V1Der<'_> = key.as_der()?;
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let mut options = fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        options.open(folder.path().join("merchant.pem"))?.write_all(pem.as_bytes())?;
        Ok(Self { folder, key })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration: everything as it is by default, but for the rate.
    pub(crate) fn configure(&self, url: &str, rate_per_s: u32) -> Outcome<()> {
        let text = format!(
            "[gateway]\nurl = \"{url}\"\nmerchant_id = \"M001\"\nterminal_id = \"T001\"\nkey_code = \"bench\"\n\
             private_key = \"merchant.pem\"\nrate_per_s = {rate_per_s}\n"
        );
        Ok(fs::write(self.path("topup.toml"), text)?)
    }

    /// The same for a gateway behind a certificate of its own.
    pub(crate) fn configure_tls(&self, url: &str, rate_per_s: u32, certificate: &str) -> Outcome<()> {
        self.configure(url, rate_per_s)?;
        let mut file = fs::OpenOptions::new().append(true).open(self.path("topup.toml"))?;
        Ok(writeln!(file, "ca_file = \"{certificate}\"")?)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topup"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome<Taken> {
        measure(&mut self.command(arguments))
    }
}

/// Runs a command to its end, and measures it.
pub(crate) fn measure(command: &mut Command) -> Outcome<Taken> {
    let started = Instant::now();
    let mut child = command.spawn()?;
    let memory = watch(&child)?;
    let wall = started.elapsed();
    // The child has ended and was not waited for yet: its counters stand.
    let processor = processor_time(&format!("/proc/{}/stat", child.id()))?;
    Ok(Taken { status: child.wait()?, wall, processor, memory })
}

/// Waits for the end of a child without taking its status; gives the most memory that it was seen with.
fn watch(child: &Child) -> Outcome<u64> {
    let pid = Pid::from_child(child);
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let looking = std::thread::spawn(move || {
        let mut most = 0;
        while let Some(now) = peak_memory(&status) {
            most = most.max(now);
            std::thread::sleep(Duration::from_millis(2));
        }
        most
    });
    waitid(WaitId::Pid(pid), ended)?;
    looking.join().map_err(|_| "the watcher panicked".into())
}

/// Bytes resident at the most so far; `None` once the process has given its memory back.
pub(crate) fn peak_memory(status: &Path) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// How long all threads of a process had a processor, from its `stat` in /proc; in steps of 10 ms.
pub(crate) fn processor_time(stat: &str) -> Outcome<Duration> {
    let text = fs::read_to_string(stat)?;
    // The name, in brackets, may hold blanks; utime and stime are the 12th and 13th field after it.
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap_or(0)).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// The time of one signature, in the middle of many, as the program makes them.
pub(crate) fn signature_time(key: &RsaKeyPair) -> Outcome<Duration> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let message = [b'x'; 250];
    let mut times = Vec::new();
    for _ in 0..1000 {
        let started = Instant::now();
        key.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
