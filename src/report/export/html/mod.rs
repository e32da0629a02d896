//! Results as one page that needs nothing else: it opens offline, prints, and reads on a desk and on a phone.

mod chart;
mod gather;
mod page;
mod sections;
mod skipped;
mod timeline;

use super::error::ExportError;
use super::source::Source;
use super::totals_by::TotalsBy;
use crate::private_file::NewFile;
use base64::Engine as _;
use gather::LISTED_MAX;
use std::io::Write;
use timeline::Timeline;

/// By what a browser knows the one script that it may run.
fn hash_of(script: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash)
}

/// Writes the page; gives a note where a list had to stop.
pub(super) fn write(
    source: &Source<'_>,
    totals_by: Option<&TotalsBy>,
    file: &mut NewFile,
) -> Result<Vec<String>, ExportError> {
    let gathered = gather::gather(source)?;
    let totals = source.snapshot.totals()?;
    let mut timeline = Timeline::new();
    source.snapshot.calls(|call| timeline.add(call))?;
    let (lang, batch) = (source.request.lang, source.snapshot.batch());
    let title = page::escaped(&format!("{} {}", lang.pick("Batch", "Đợt"), batch.name));
    let head = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'\">\n<meta name=\"generator\" content=\"topup {}\">\n\
         <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        lang.code(),
        hash_of(page::SCRIPT),
        env!("CARGO_PKG_VERSION"),
        page::STYLE
    );
    let sections = [
        head,
        sections::summary(source, &totals),
        sections::outcomes(lang, &totals),
        sections::reasons(lang, &gathered),
        totals_by.map(|totals_by| sections::totals_by(lang, totals_by)).unwrap_or_default(),
        sections::search(lang),
        sections::to_decide(source, &gathered),
        sections::not_paid(source, &gathered),
        skipped::section(source)?,
        sections::over_time(source, &timeline),
        sections::standing(source, &gathered),
        format!("<script>{}</script>\n</body>\n</html>\n", page::SCRIPT),
    ];
    for section in sections {
        file.write_all(section.as_bytes()).map_err(ExportError::write(source.request.path))?;
    }
    let lists =
        [&gathered.in_doubt, &gathered.held, &gathered.unpaid, &gathered.waiting, &gathered.fresh, &gathered.spendable];
    let is_cut = lists.iter().any(|list| list.count.rows > LISTED_MAX as u64);
    let note = format!("a list of the page stops at {LISTED_MAX} payouts; .csv, .xlsx and .json hold all of them");
    Ok(is_cut.then_some(note).into_iter().collect())
}
