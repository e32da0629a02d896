//! Walks the records of an XLS (MS-XLS 2.1.4): a kind, a length, and so many bytes; and takes numbers and texts out of
//! them.
//!
//! Whatever is not there gives `None`: a file that says more than it has is refused, and nothing is made up.

use encoding_rs::Encoding;

/// Begins a workbook, a sheet, and a chart within a sheet (2.4.21).
pub(super) const BOF: u16 = 0x0809;
/// Ends what began last (2.4.103).
pub(super) const EOF: u16 = 0x000A;
/// Goes on with the record before (2.4.58).
pub(super) const CONTINUE: u16 = 0x003C;

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

pub(super) fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(f64::from_le_bytes)
}

/// One record.
#[derive(Clone, Copy)]
pub(super) struct Record<'s> {
    pub(super) at: usize,
    pub(super) kind: u16,
    pub(super) data: &'s [u8],
}

/// The records of a stream, from a place on.
#[derive(Clone)]
pub(super) struct Records<'s> {
    pub(super) stream: &'s [u8],
    pub(super) at: usize,
}

impl<'s> Iterator for Records<'s> {
    type Item = Record<'s>;

    fn next(&mut self) -> Option<Record<'s>> {
        let at = self.at;
        let kind = u16_at(self.stream, at)?;
        let len = usize::from(u16_at(self.stream, at.checked_add(2)?)?);
        let data = self.stream.get(at + 4..at + 4 + len)?;
        self.at = at + 4 + len;
        Some(Record { at, kind, data })
    }
}

/// The records of the sheet that begins at a place, without those of the charts in it; the last one is its end.
pub(super) fn of_sheet(stream: &[u8], at: usize) -> impl Iterator<Item = Record<'_>> {
    let (mut depth, mut ended) = (0_u32, false);
    Records { stream, at }
        .take_while(move |record| {
            let goes_on = !ended;
            match record.kind {
                BOF => depth += 1,
                EOF if depth <= 1 => ended = true,
                EOF => depth -= 1,
                _ => {}
            }
            goes_on
        })
        .scan(0_u32, |depth, record| {
            // Charts begin and end within the sheet.
            match record.kind {
                BOF => *depth += 1,
                EOF => *depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_own = *depth <= 1 && !(record.kind == EOF && *depth == 1);
            Some(is_own.then_some(record))
        })
        .flatten()
}

/// The bytes of a record and of those that continue it.
pub(super) struct Bytes<'s> {
    rest: &'s [u8],
    records: Records<'s>,
}

impl<'s> Bytes<'s> {
    /// The bytes of the record at a place.
    pub(super) fn of(stream: &'s [u8], at: usize) -> Option<Self> {
        let mut records = Records { stream, at };
        let rest = records.next()?.data;
        Some(Self { rest, records })
    }

    /// Goes on to the record that continues this one.
    fn next_record(&mut self) -> Option<()> {
        let next = self.records.next().filter(|record| record.kind == CONTINUE)?;
        self.rest = next.data;
        Some(())
    }

    fn u8(&mut self) -> Option<u8> {
        while self.rest.is_empty() {
            self.next_record()?;
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) | (u32::from(self.u16()?) << 16))
    }

    pub(super) fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            if self.rest.is_empty() {
                self.next_record()?;
            }
            let step = bytes.min(self.rest.len());
            self.rest = &self.rest[step..];
            bytes -= step;
        }
        Some(())
    }

    /// Whether nothing follows.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty() && self.records.clone().next().is_none_or(|record| record.kind != CONTINUE)
    }

    /// Characters, one or two bytes each; a record that continues them says anew which (2.5.293).
    fn characters(&mut self, count: usize, is_wide: bool, text: &mut String) -> Option<()> {
        let (mut left, mut is_wide, mut units) = (count, is_wide, Vec::with_capacity(count.min(8192)));
        while left > 0 {
            if self.rest.is_empty() {
                self.next_record()?;
                is_wide = self.u8()? & 1 != 0;
            }
            let width = if is_wide { 2 } else { 1 };
            let here = left.min(self.rest.len() / width);
            if here == 0 {
                // Half a character, or a record with nothing but its flags.
                self.rest.is_empty().then_some(())?;
                continue;
            }
            let (bytes, rest) = self.rest.split_at(here * width);
            if is_wide {
                units.extend(bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])));
            } else {
                units.extend(bytes.iter().map(|byte| u16::from(*byte)));
            }
            self.rest = rest;
            left -= here;
        }
        text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        Some(())
    }

    /// A text of BIFF8 with its runs, each the character from which a font holds (2.5.293).
    pub(super) fn rich_text(&mut self, text: &mut String, runs: &mut Vec<(u16, u16)>) -> Option<()> {
        let count = usize::from(self.u16()?);
        let flags = if count == 0 && self.is_at_end() { 0 } else { self.u8()? };
        let run_count = if flags & 0x08 != 0 { self.u16()? } else { 0 };
        let more = if flags & 0x04 != 0 { self.u32()? } else { 0 };
        self.characters(count, flags & 1 != 0, text)?;
        runs.clear();
        for _ in 0..run_count {
            runs.push((self.u16()?, self.u16()?));
        }
        self.skip(usize::try_from(more).ok()?)
    }

    /// The text of a cell, with the runs that may stand behind it.
    pub(super) fn cell_text(&mut self, letters: Letters, text: &mut String, runs: &mut Vec<(u16, u16)>) -> Option<()> {
        match letters {
            Letters::Unicode => self.rich_text(text, runs),
            Letters::CodePage(encoding) => {
                let count = self.u16()?;
                runs.clear();
                self.code_page_text(usize::from(count), encoding, text)
            }
        }
    }

    fn code_page_text(&mut self, count: usize, encoding: &'static Encoding, text: &mut String) -> Option<()> {
        let mut bytes = Vec::with_capacity(count);
        for _ in 0..count {
            bytes.push(self.u8()?);
        }
        text.push_str(&encoding.decode_without_bom_handling(&bytes).0);
        Some(())
    }

    /// A text whose length is one byte, as names of sheets have it (2.5.240).
    pub(super) fn short_text(&mut self, letters: Letters, text: &mut String) -> Option<()> {
        let count = usize::from(self.u8()?);
        match letters {
            Letters::Unicode => {
                let flags = self.u8()?;
                self.characters(count, flags & 1 != 0, text)
            }
            Letters::CodePage(encoding) => self.code_page_text(count, encoding, text),
        }
    }

    /// The runs behind the text of an RString (2.4.229 in BIFF8; one byte each before).
    pub(super) fn runs(&mut self, letters: Letters, runs: &mut Vec<(u16, u16)>) -> Option<()> {
        let is_unicode = matches!(letters, Letters::Unicode);
        let count = if is_unicode { self.u16()? } else { u16::from(self.u8()?) };
        for _ in 0..count {
            let run = if is_unicode { (self.u16()?, self.u16()?) } else { (self.u8()?.into(), self.u8()?.into()) };
            runs.push(run);
        }
        Some(())
    }
}

/// How texts are written: in Unicode since Excel 97 (BIFF8), before in a code page (BIFF5).
#[derive(Clone, Copy, Debug)]
pub(super) enum Letters {
    Unicode,
    CodePage(&'static Encoding),
}

/// The encoding of a code page (2.4.52); nothing for one that is not known.
pub(super) fn code_page(number: u16) -> Option<&'static Encoding> {
    Some(match number {
        // ASCII, and what Excel calls ANSI.
        367 | 0x8001 | 1252 => encoding_rs::WINDOWS_1252,
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10_000 | 0x8000 => encoding_rs::MACINTOSH,
        _ => return None,
    })
}
