//! Whole runs: what a row costs beside its two signatures, what a slow disk and ten million rows do, how fast it starts.

use crate::gateway::Gateway;
use crate::program::{Place, Taken, measure, processor_time, signature_time};
use crate::{Outcome, median, mib, print};
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// No limit that a run here could feel, in requests a second.
const UNLIMITED: u32 = 100_000;
const CORES: f64 = 2.0;

/// Writes `rows` different members with 100 points each.
pub(crate) fn write_rows(path: &Path, rows: u64) -> Outcome<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    writeln!(file, "reference,phone,points")?;
    for row in 0..rows {
        // Spread over the numbers, each once.
        writeln!(file, "T11-{row:07},09{:08},100", row * 7_919 % 99_999_989)?;
    }
    Ok(file.flush()?)
}

pub(crate) fn clean() -> Outcome<()> {
    const ROWS: u64 = 30_000;
    let (mut ratios, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let place = Place::new()?;
        write_rows(&place.path("rows.csv"), ROWS)?;
        let gateway = Gateway::start(&place.key, Duration::ZERO)?;
        place.configure(&gateway.url, UNLIMITED)?;
        let alone = signature_time(&place.key)?;
        let busy_before = signature_time_on_all_cores(&place)?;
        let before = processor_time("/proc/self/stat")?;
        let taken = place.run(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"])?;
        let by_gateway = processor_time("/proc/self/stat")? - before;
        let requests = gateway.requests();
        gateway.stop()?;
        if !taken.status.success() || requests < 2 * ROWS {
            return Err(format!("the run ended with {} after {requests} requests", taken.status).into());
        }
        // A shared machine is another one a moment later.
        let busy = (busy_before + signature_time_on_all_cores(&place)?) / 2;
        let (ratio, share) = say(&place, &taken, ROWS, [alone, busy], by_gateway)?;
        ratios.push(ratio);
        shares.push(share);
    }
    let middle = |mut figures: Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    print("processor time a row / two signatures, median", &format!("{:.2}", middle(ratios)), "1.3, aim 1.2");
    print("rows a second / what signatures allow, median", &format!("{:.0} %", middle(shares)), "75 %, aim 83 %");
    Ok(())
}

/// Prints one run; gives its two shares.
fn say(
    place: &Place,
    taken: &Taken,
    rows: u64,
    signatures: [Duration; 2],
    by_gateway: Duration,
) -> Outcome<(f64, f64)> {
    let [alone, busy] = signatures.map(|time| time.as_secs_f64());
    let per_row = taken.processor.as_secs_f64() / rows as f64;
    let per_s = rows as f64 / taken.wall.as_secs_f64();
    let left = CORES * taken.wall.as_secs_f64() - by_gateway.as_secs_f64();
    let ceiling = left / (2.0 * busy) / taken.wall.as_secs_f64();
    print(
        "processor time a row / two signatures (cores busy)",
        &format!("{:.3} ms / {:.3} ms = {:.2}", per_row * 1e3, 2e3 * busy, per_row / (2.0 * busy)),
        "1.3, aim 1.2",
    );
    println!("{:58} {:>24}", "  two signatures on an idle machine", format!("{:.3} ms", 2e3 * alone));
    print(
        "rows a second on 2 cores / what signatures allow",
        &format!("{per_s:.0} / {ceiling:.0} = {:.0} %", per_s / ceiling * 100.0),
        "75 %, aim 83 %",
    );
    println!(
        "{:58} {:>24}",
        "  gateway on the same cores, a row",
        format!("{:.3} ms", by_gateway.as_secs_f64() / rows as f64 * 1e3)
    );
    let bytes = fs::metadata(place.path("topup.db"))?.len();
    print("ledger, a payout with its history", &format!("{} bytes", bytes / rows), "600 bytes");
    print("memory of a run of 30,000 rows", &mib(taken.memory), "64 MiB");
    Ok((per_row / (2.0 * busy), per_s / ceiling * 100.0))
}

/// One signature when every core makes them, as in a run without a limit: two threads of one core share it.
fn signature_time_on_all_cores(place: &Place) -> Outcome<Duration> {
    let times = thread::scope(|scope| {
        let threads: Vec<_> = (0..CORES as usize)
            .map(|_| scope.spawn(|| signature_time(&place.key).map_err(|error| error.to_string())))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a signer panicked".to_owned())?)
            .collect::<Result<Vec<_>, _>>()
    })?;
    median(times).ok_or_else(|| "no signature was made".into())
}

/// Each sync of the ledger takes 5 ms longer, by a library in front of the kernel.
pub(crate) fn slow_disk() -> Outcome<()> {
    const ROWS: u64 = 10_000;
    let place = Place::new()?;
    let shim = compile_shim(&place)?;
    write_rows(&place.path("rows.csv"), ROWS)?;
    let gateway = Gateway::start(&place.key, Duration::ZERO)?;
    place.configure(&gateway.url, UNLIMITED)?;
    let mut command = place.command(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"]);
    let taken = measure(command.env("LD_PRELOAD", shim).env("SHIM_SYNC_DELAY_US", "5000"))?;
    gateway.stop()?;
    if !taken.status.success() {
        return Err(format!("the run ended with {}", taken.status).into());
    }
    let per_s = ROWS as f64 / taken.wall.as_secs_f64();
    print("rows a second on a disk whose syncs take 5 ms", &format!("{per_s:.0}"), "1000");
    Ok(())
}

fn compile_shim(place: &Place) -> Outcome<PathBuf> {
    let shim = place.path("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shim/shim.c");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&shim).arg(source).arg("-ldl").status()?;
    if compiled.success() { Ok(shim) } else { Err("the shim did not compile".into()) }
}

/// Plans ten million rows and pays for half a minute: neither may need more memory than a small file.
pub(crate) fn memory() -> Outcome<()> {
    const ROWS: u64 = 10_000_000;
    const PAYING: Duration = Duration::from_secs(30);
    let place = Place::new()?;
    write_rows(&place.path("rows.csv"), ROWS)?;
    let gateway = Gateway::start(&place.key, Duration::ZERO)?;
    place.configure(&gateway.url, UNLIMITED)?;
    let started = Instant::now();
    let mut child = place.command(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"]).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    while gateway.requests() == 0 && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(50));
    }
    let (planning, planned) = (crate::program::peak_memory(&status).unwrap_or(0), started.elapsed());
    thread::sleep(PAYING);
    let paid = gateway.requests() / 2;
    let whole = crate::program::peak_memory(&status).unwrap_or(0);
    child.kill()?;
    child.wait()?;
    gateway.stop()?;
    let what = format!("memory of 10,000,000 rows, planned in {:.0} s", planned.as_secs_f64());
    print(&what, &mib(planning), "64 MiB");
    print(&format!("  … and with {paid} of them paid in 30 s"), &mib(whole), "64 MiB, flat");
    Ok(())
}

pub(crate) fn start() -> Outcome<()> {
    let place = Place::new()?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        let output = place.command(&["--version"]).stdout(std::process::Stdio::piped()).output()?;
        times.push(started.elapsed());
        if !output.stdout.starts_with(b"topup ") {
            return Err("the program did not say its version".into());
        }
    }
    let middle = median(times).unwrap_or_default();
    print(
        "start of the binary to its first line (median of 50)",
        &format!("{:.1} ms", middle.as_secs_f64() * 1e3),
        "20 ms",
    );
    Ok(())
}
