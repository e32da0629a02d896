//! The two languages of results, and the words for states in them.

use crate::domain::payout_status::State;
use crate::domain::text::grouped;

/// A language of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Vietnamese.
    Vi,
}

impl Lang {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::Vi];

    /// The language's code, in options and in HTML.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Vi => "vi",
        }
    }

    /// One of two texts that say the same.
    pub(super) fn pick<T>(self, en: T, vi: T) -> T {
        match self {
            Self::En => en,
            Self::Vi => vi,
        }
    }

    /// The state, as people write it.
    #[must_use]
    pub fn state(self, state: State) -> &'static str {
        let (en, vi) = match state {
            State::Planned => ("planned", "chờ chi"),
            State::InDoubt => ("in doubt", "chưa rõ"),
            State::Credited => ("credited", "đã cộng điểm"),
            State::Declined => ("declined", "bị từ chối"),
            State::Ineligible => ("ineligible", "không đủ điều kiện"),
            State::Held => ("held", "tạm giữ"),
            State::Cancelled => ("cancelled", "đã hủy"),
        };
        self.pick(en, vi)
    }

    /// The word for rows that were skipped.
    #[must_use]
    pub fn skipped(self) -> &'static str {
        self.pick("skipped", "bỏ qua")
    }

    /// What a state means for the money, in one sentence.
    #[must_use]
    pub fn state_meaning(self, state: State) -> &'static str {
        let (en, vi) = match state {
            State::Planned => ("nothing was credited; it is still to be paid", "chưa cộng điểm; sẽ được chi"),
            State::InDoubt => (
                "the points may or may not have been credited; nothing is sent again until the gateway says what became of it",
                "điểm có thể đã hoặc chưa được cộng; không gửi lại cho đến khi cổng xác nhận",
            ),
            State::Credited => ("the member has the points", "hội viên đã nhận điểm"),
            State::Declined => ("nothing was credited: the gateway refused it", "chưa cộng điểm: cổng đã từ chối"),
            State::Ineligible => {
                ("nothing was credited: the member cannot be paid", "chưa cộng điểm: hội viên không thể nhận điểm")
            }
            State::Held => (
                "nothing was credited: the name differs, and a person decides",
                "chưa cộng điểm: tên không khớp, cần người xem xét",
            ),
            State::Cancelled => ("nothing was credited: a person closed it", "chưa cộng điểm: người vận hành đã hủy"),
        };
        self.pick(en, vi)
    }

    /// A whole number with its thousands grouped as the language does.
    #[must_use]
    pub fn number(self, number: u64) -> String {
        let text = grouped(number);
        self.pick(text.clone(), text.replace(',', "."))
    }
}
