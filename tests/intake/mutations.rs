//! Broken copies of every sample, 10,000 a run: each ends in rows or in problems, and none in a panic.
//!
//! The seed is printed; `INTAKE_SEED` sets it.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use topup::cli::command;
use topup::intake::{IntakeOptions, check};
use topup::report::check_text;

const MUTATIONS: usize = 10_000;

/// Pieces that mean something to some format, which random bytes seldom hit.
const PIECES: [&[u8]; 24] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xC3",
    b"sep=|\n",
    b"8.49E+10",
    b"1.000",
    b"0901234567",
    b"phone,points\n",
    b"Total",
    b"<row r=\"1048577\">",
    b"hidden=\"1\"",
    b"&amp;",
    b"</c>",
    b"table:number-rows-repeated=\"999999999\"",
    b"\xF0\x9F\x98\x80",
];

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/troubles");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_none_or(|ending| ending != "md") && !path.to_string_lossy().ends_with(".report.txt")
    });
    files.sort();
    files
}

fn mutate(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..=6) {
        let at = random.usize(0..=bytes.len());
        let end = (at + random.usize(0..64)).min(bytes.len());
        match random.u8(0..6) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 => drop(bytes.splice(at..at, random.choice(PIECES).unwrap().iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = random.usize(0..=bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            4 if random.u8(0..8) == 0 => bytes.truncate(at),
            _ if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            _ => {}
        }
    }
}

/// The same for one part inside a zip archive, so that the archive itself stays whole.
fn mutate_part(bytes: &[u8], random: &mut fastrand::Rng) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let broken = random.usize(0..archive.len());
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).ok()?;
        let name = part.name().ok()?.into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).ok()?;
        if index == broken {
            mutate(&mut content, random);
        }
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        out.start_file(name, options).ok()?;
        out.write_all(&content).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}

#[test]
fn broken_samples_end_in_rows_or_problems() {
    let seed =
        std::env::var("INTAKE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("INTAKE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let samples: Vec<(PathBuf, Vec<u8>)> =
        samples().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let folder = tempfile::tempdir().unwrap();
    let (mut taken, mut refused) = (0, 0);
    for round in 0..MUTATIONS {
        let (path, original) = random.choice(&samples).unwrap();
        let part =
            if original.starts_with(b"PK") && random.u8(0..4) > 0 { mutate_part(original, &mut random) } else { None };
        let bytes = part.unwrap_or_else(|| {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut random);
            bytes
        });
        // A name of its own each time: some file systems flush a file that is written over.
        let file = folder.path().join(format!("broken-{round}"));
        fs::write(&file, &bytes).unwrap();
        let options = IntakeOptions { include_hidden: random.bool(), ..IntakeOptions::default() };
        let report = check(&file, &options);
        fs::remove_file(&file).unwrap();
        let place = format!("round {round} of seed {seed}, from {}", path.display());
        if report.is_ok() {
            taken += 1;
            assert!(report.rows > 0 && report.valid_rows == report.rows, "{place}: {report:?}");
        } else {
            refused += 1;
            assert!(!report.problems.is_empty(), "{place}");
        }
        assert!(
            report.problems.iter().all(|problem| problem.message.starts_with("needs ")),
            "{place}: {:?}",
            report.problems
        );
        // What this says is a panic that was caught, whose text has gone to stderr.
        let panicked =
            report.problems.iter().any(|problem| problem.message.contains("its parts contradict each other"));
        assert!(!panicked, "{place}");
        assert!(!report.unreadable, "{place}: {:?}", report.problems);
        let text = check_text(&report, "broken", false, command);
        assert!(!text.contains('\u{1b}') && !text.contains('\0'), "{place}: {text:?}");
    }
    assert!(taken > MUTATIONS / 100 && refused > MUTATIONS / 100, "{taken} taken, {refused} refused");
}
