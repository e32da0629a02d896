//! The clock by which results tell times: one zone for every format, whatever the machine's own is.

use crate::ledger::UnixMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// In a year every clock that is set at all is set.
const MONTH_MS: i64 = 30 * 86_400_000;

/// A zone of the IANA database.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    name: String,
}

impl Zone {
    /// The zone of an IANA name, such as `Asia/Ho_Chi_Minh`; nothing where no zone is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        // As the database spells it, not as it was typed.
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Some(Self { zone, name })
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a column of times is labelled: `UTC+7`, or by name where clocks are set forth and back.
    pub(super) fn label(&self, now: UnixMs) -> String {
        let seconds = self.offset_s(now);
        if (1..12).any(|month| self.offset_s(now.saturating_add(month * MONTH_MS)) != seconds) {
            return self.name.clone();
        }
        let minutes = seconds / 60;
        match (minutes, minutes.abs() % 60) {
            (0, _) => "UTC".to_owned(),
            (_, 0) => format!("UTC{:+}", minutes / 60),
            (_, rest) => format!("UTC{:+}:{rest:02}", minutes / 60),
        }
    }

    /// How far it is from UTC at a moment, in seconds.
    pub(super) fn offset_s(&self, at: UnixMs) -> i64 {
        self.zone.to_offset(timestamp(at)).seconds().into()
    }

    /// A moment as people and spreadsheets read it: `2026-11-25 10:00:00`.
    pub(super) fn text(&self, at: UnixMs) -> String {
        let local = self.zone.to_datetime(timestamp(at.div_euclid(1000).saturating_mul(1000)));
        format!("{} {}", local.date(), local.time())
    }

    /// A moment as scripts read it (RFC 3339): `2026-11-25T10:00:00+07:00`.
    pub(super) fn rfc_3339(&self, at: UnixMs) -> String {
        let at = timestamp(at);
        at.display_with_offset(self.zone.to_offset(at)).to_string()
    }
}

fn timestamp(at: UnixMs) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_the_clock_of_the_zone() {
        // 24 November 2025, 16:00 in UTC, and half a year later.
        let (winter, summer) = (1_764_000_000_000, 1_779_552_000_000);
        for (name, at, text, label) in [
            ("Asia/Ho_Chi_Minh", winter, "2025-11-24 23:00:00", "UTC+7"),
            ("asia/ho_chi_minh", winter, "2025-11-24 23:00:00", "UTC+7"),
            ("Asia/Kolkata", winter, "2025-11-24 21:30:00", "UTC+5:30"),
            ("UTC", winter, "2025-11-24 16:00:00", "UTC"),
            ("Europe/Berlin", winter, "2025-11-24 17:00:00", "Europe/Berlin"),
            ("Europe/Berlin", summer, "2026-05-23 18:00:00", "Europe/Berlin"),
        ] {
            let zone = Zone::named(name).unwrap();
            assert_eq!((zone.text(at).as_str(), zone.label(at).as_str()), (text, label), "{name}");
        }
        let vietnam = Zone::named("asia/ho_chi_minh").unwrap();
        assert_eq!(vietnam.rfc_3339(winter), "2025-11-24T23:00:00+07:00");
        assert_eq!((vietnam.name(), vietnam.offset_s(winter)), ("Asia/Ho_Chi_Minh", 25_200));
        assert!(Zone::named("Asia/Hanoi").is_none());
        assert!(Zone::named("").is_none());
    }
}
