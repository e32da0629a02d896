//! How cells look, and how a time is written.

use crate::domain::payout_status::State;
use crate::ledger::UnixMs;
use crate::report::zone::Zone;
use rust_xlsxwriter::{Color, ExcelDateTime, Format, FormatAlign, XlsxError};

/// How cells look.
pub(super) struct Styles {
    pub(super) header: Format,
    pub(super) title: Format,
    pub(super) number: Format,
    pub(super) time: Format,
    /// Texts that may be long go on in the next line of their cell.
    pub(super) wrapped: Format,
    /// Text that begins like a formula stays text when someone edits the cell.
    pub(super) quoted: Format,
    pub(super) states: [Format; State::ALL.len()],
}

impl Styles {
    pub(super) fn new() -> Self {
        let plain = || Format::new().set_align(FormatAlign::Top);
        Self {
            header: plain().set_bold().set_background_color(Color::RGB(0xE8ECF1)).set_text_wrap(),
            title: plain().set_bold().set_font_size(14),
            number: plain().set_num_format("#,##0"),
            time: plain().set_num_format("yyyy-mm-dd hh:mm:ss"),
            wrapped: plain().set_text_wrap(),
            quoted: plain().set_quote_prefix(),
            states: State::ALL.map(|state| {
                let (ink, paper) = colours(state);
                plain().set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(paper))
            }),
        }
    }

    pub(super) fn state(&self, state: State) -> &Format {
        &self.states[state as usize]
    }
}

/// Ink and paper of a state; the word beside them says the same.
pub(super) fn colours(state: State) -> (u32, u32) {
    match state {
        State::Planned => (0x1F_4E79, 0xDD_EBF7),
        State::InDoubt => (0x7F_4F00, 0xFF_E699),
        State::Credited => (0x1E_5631, 0xC6_EFCE),
        State::Declined => (0x9C_0006, 0xFF_C7CE),
        State::Ineligible => (0x83_3C0B, 0xF8_CBAD),
        State::Held => (0x5B_2C83, 0xE4_D7F1),
        State::Cancelled => (0x40_4040, 0xE0_E0E0),
    }
}

/// A time by the clock of a zone, to the second.
pub(super) fn local_time(at: UnixMs, zone: &Zone) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_timestamp(at.div_euclid(1000) + zone.offset_s(at))
}
