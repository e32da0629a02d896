//! One section of a number format: its pieces, its condition, and a number or text put into it.

use super::shown::{Shown, at_15_digits};

/// A piece of a section.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    /// A character that is shown as it is.
    Literal(char),
    /// A character that fills the width of the cell.
    Fill(char),
    /// `0`, `#` or `?`.
    Digit(char),
    Point,
    /// Groups digits between them, and scales by a thousand behind them.
    Comma,
    Percent,
    /// `General` or `@`: the value itself.
    Value,
    Date,
    /// `[h]`, `[m]` or `[s]`.
    Elapsed(char),
    Unclear,
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Number,
    Date,
    Elapsed(char),
    Unclear,
}

/// When a section is taken, where it says so itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Condition {
    /// Whether a number below, equal to and above the limit is meant.
    below: bool,
    equal: bool,
    above: bool,
    limit: f64,
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let number = text.trim_start_matches(['<', '>', '=']);
        let (below, equal, above) = match &text[..text.len() - number.len()] {
            "<" => (true, false, false),
            "<=" => (true, true, false),
            "=" => (false, true, false),
            "<>" => (true, false, true),
            ">" => (false, false, true),
            ">=" => (false, true, true),
            _ => return None,
        };
        Some(Self { below, equal, above, limit: number.trim().parse().ok()? })
    }

    pub(super) fn holds(self, value: f64) -> bool {
        (self.below && value < self.limit) || (self.equal && value == self.limit) || (self.above && value > self.limit)
    }
}

/// A section, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section {
    pieces: Vec<Piece>,
    pub(super) condition: Option<Condition>,
}

/// Cuts a code at its semicolons, which may stand in quotes, brackets and behind escapes too.
pub(super) fn split(code: &str) -> Vec<&str> {
    let (mut sections, mut start) = (Vec::new(), 0);
    let (mut quoted, mut bracket, mut escaped) = (false, false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '\\' | '_' | '*' => escaped = true,
            '[' => bracket = true,
            ']' => bracket = false,
            ';' if !bracket => {
                sections.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    sections
}

impl Section {
    pub(super) fn parse(code: &str) -> Self {
        let mut section = Self::default();
        let mut rest = code;
        while let Some(c) = rest.chars().next() {
            rest = section.piece(c, rest, &rest[c.len_utf8()..]);
        }
        section
    }

    /// Takes the piece that begins with a character, and gives what follows it.
    fn piece<'c>(&mut self, c: char, all: &'c str, behind: &'c str) -> &'c str {
        if let Some(rest) = without_prefix(all, "General") {
            self.pieces.push(Piece::Value);
            return rest;
        }
        if let Some(rest) = without_prefix(all, "AM/PM").or_else(|| without_prefix(all, "A/P")) {
            self.pieces.push(Piece::Date);
            return rest;
        }
        let past = |count: usize| behind.char_indices().nth(count).map_or("", |(at, _)| &behind[at..]);
        let next = behind.chars().next();
        let (piece, rest) = match c {
            '"' => {
                let (text, rest) = behind.split_once('"').unwrap_or((behind, ""));
                self.pieces.extend(text.chars().map(Piece::Literal));
                return rest;
            }
            '[' => {
                let Some((inside, rest)) = behind.split_once(']') else {
                    self.pieces.push(Piece::Unclear);
                    return "";
                };
                self.bracket(inside);
                return rest;
            }
            '\\' => (Piece::Literal(next.unwrap_or(' ')), past(1)),
            '_' => (Piece::Literal(' '), past(1)),
            '*' => (Piece::Fill(next.unwrap_or(' ')), past(1)),
            '0' | '#' | '?' => (Piece::Digit(c), behind),
            '.' => (Piece::Point, behind),
            ',' => (Piece::Comma, behind),
            '%' => (Piece::Percent, behind),
            '@' => (Piece::Value, behind),
            'E' | 'e' if matches!(next, Some('+' | '-')) => (Piece::Unclear, past(1)),
            '/' if !self.pieces.contains(&Piece::Date) => (Piece::Unclear, behind),
            'y' | 'm' | 'd' | 'h' | 's' | 'Y' | 'M' | 'D' | 'H' | 'S' | 'e' | 'g' | 'b' | 'B' => (Piece::Date, behind),
            _ => (Piece::Literal(c), behind),
        };
        self.pieces.push(piece);
        rest
    }

    /// A colour, a condition, a currency, or a unit that goes on counting.
    fn bracket(&mut self, inside: &str) {
        let lower = inside.to_lowercase();
        if let Some(currency) = inside.strip_prefix('$') {
            let (sign, locale) = currency.split_once('-').unwrap_or((currency, ""));
            self.pieces.extend(sign.chars().map(Piece::Literal));
            let locale = u32::from_str_radix(locale, 16).unwrap_or(0);
            if matches!(locale & 0xFFFF, 0xF800 | 0xF400) {
                self.pieces.push(Piece::Date);
            } else if locale >> 24 > 1 {
                // Digits of another script.
                self.pieces.push(Piece::Unclear);
            }
        } else if let Some(condition) = Condition::parse(inside) {
            self.condition = Some(condition);
        } else if let Some(unit) = lower.chars().next().filter(|unit| matches!(unit, 'h' | 'm' | 's'))
            && lower.chars().all(|c| c == unit)
        {
            self.pieces.push(Piece::Elapsed(unit));
        } else if !is_colour(&lower) {
            self.pieces.push(Piece::Unclear);
        }
    }

    pub(super) fn is_general(&self) -> bool {
        self.condition.is_none() && self.pieces == [Piece::Value]
    }

    pub(super) fn has_text(&self) -> bool {
        self.pieces.contains(&Piece::Value)
    }

    pub(super) fn content(&self) -> Content {
        let elapsed =
            self.pieces.iter().find_map(|piece| if let Piece::Elapsed(unit) = piece { Some(*unit) } else { None });
        let has_digits = self.pieces.iter().any(|piece| matches!(piece, Piece::Digit(_)));
        let points = self.pieces.iter().filter(|piece| **piece == Piece::Point).count();
        if let Some(unit) = elapsed {
            Content::Elapsed(unit)
        } else if self.pieces.contains(&Piece::Date) {
            Content::Date
        } else if self.pieces.contains(&Piece::Unclear) || points > 1 || (has_digits && self.has_text()) {
            Content::Unclear
        } else {
            Content::Number
        }
    }

    /// A text put into the section, where it does not show as it is.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let (mut shown, mut beside) = (String::new(), String::new());
        for piece in &self.pieces {
            match piece {
                Piece::Value => shown.push_str(text),
                Piece::Literal(c) | Piece::Fill(c) => {
                    shown.push(*c);
                    beside.push(*c);
                }
                Piece::Digit(_)
                | Piece::Point
                | Piece::Comma
                | Piece::Percent
                | Piece::Date
                | Piece::Elapsed(_)
                | Piece::Unclear => {}
            }
        }
        let values = self.pieces.iter().filter(|piece| **piece == Piece::Value).count();
        let as_it_is = values == 1 && says_nothing(&beside);
        (!as_it_is).then(|| shown.trim().to_owned())
    }

    /// A positive number put into the section.
    pub(super) fn number(&self, value: f64) -> Shown {
        let text = at_15_digits(value);
        if self.has_text() {
            return self.text(&text).map_or(Shown::AsIs, Shown::Other);
        }
        let put = Put::of(&self.pieces, value);
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        // Three zero decimals look like a thousand.
        let decimals_look_alike = put.decimals.len().is_multiple_of(3) && !put.decimals.is_empty();
        let is_same = !put.is_scaled
            && says_nothing(&put.before)
            && says_nothing(&put.behind)
            && !decimals_look_alike
            && put.decimals.trim_end_matches('0') == decimals
            && ungrouped(&put.whole).is_some_and(|digits| digits == whole);
        if is_same { Shown::AsIs } else { Shown::Other(put.shown()) }
    }
}

/// A number put into a section: what stands before it, its digits, and what stands behind it.
#[derive(Debug, Default)]
struct Put {
    before: String,
    whole: String,
    decimals: String,
    behind: String,
    is_scaled: bool,
}

impl Put {
    fn of(pieces: &[Piece], value: f64) -> Self {
        let is_digit = |piece: &Piece| matches!(piece, Piece::Digit(_));
        let first = pieces.iter().position(is_digit).unwrap_or(pieces.len());
        let last = pieces.iter().rposition(is_digit).map_or(first, |last| last + 1);
        let point = pieces.iter().position(|piece| *piece == Piece::Point).unwrap_or(pieces.len()).max(first);
        let whole_end = last.min(point);
        let is_comma = |piece: &&Piece| **piece == Piece::Comma;
        let scales = pieces[whole_end..].iter().filter(is_comma).count();
        let percents = pieces.iter().filter(|piece| **piece == Piece::Percent).count();
        let scale = |count: usize, by: i32| f64::from(by).powi(i32::try_from(count).unwrap_or(0));
        let scaled = value * scale(percents, 100) / scale(scales, 1000);
        let fraction = pieces.get(point..last).unwrap_or_default();
        let places = fraction.iter().filter(|piece| is_digit(piece)).count();
        let number = format!("{:.places$}", at_15_digits(scaled).parse::<f64>().unwrap_or(scaled));
        let (digits, decimals) = number.split_once('.').unwrap_or((&number, ""));
        let grouped = pieces[first..whole_end].contains(&Piece::Comma);
        Self {
            before: literals(&pieces[..first]),
            whole: whole(&pieces[first..whole_end], digits, grouped),
            decimals: fractional(fraction, decimals),
            behind: literals(&pieces[last.max(whole_end)..]),
            is_scaled: scales + percents > 0,
        }
    }

    fn shown(&self) -> String {
        let point = if self.decimals.is_empty() { "" } else { "." };
        let shown = format!("{}{}{point}{}{}", self.before, self.whole, self.decimals, self.behind);
        shown.trim().to_owned()
    }
}

/// The digits before the point, put into their places from the right; the leftmost place takes all that are left.
fn whole(pieces: &[Piece], digits: &str, grouped: bool) -> String {
    let digits = if digits == "0" { "" } else { digits };
    let mut left = digits.chars().rev().peekable();
    let mut places = pieces.iter().filter(|piece| matches!(piece, Piece::Digit(_))).count();
    let (mut shown, mut count) = (Vec::new(), 0);
    for piece in pieces.iter().rev() {
        let Piece::Digit(kind) = piece else {
            shown.extend(literals(std::slice::from_ref(piece)).chars());
            continue;
        };
        places -= 1;
        let padding = if *kind == '0' { Some('0') } else { None };
        while let Some(digit) = left.next().or(padding) {
            if grouped && count > 0 && count % 3 == 0 {
                shown.push(',');
            }
            shown.push(digit);
            count += 1;
            if places > 0 || left.peek().is_none() {
                break;
            }
        }
    }
    shown.iter().rev().collect()
}

/// The digits behind the point; `#` leaves zeros at the end out.
fn fractional(pieces: &[Piece], digits: &str) -> String {
    let kept = digits.trim_end_matches('0').len();
    let mut digits = digits.char_indices();
    let mut shown = String::new();
    let needed = pieces.iter().filter(|piece| matches!(piece, Piece::Digit(_)));
    let needed =
        needed.enumerate().filter(|(_, piece)| **piece == Piece::Digit('0')).last().map_or(0, |(at, _)| at + 1);
    for piece in pieces {
        match piece {
            Piece::Digit(_) => {
                if let Some((_, digit)) = digits.next().filter(|(at, _)| *at < kept.max(needed)) {
                    shown.push(digit);
                }
            }
            Piece::Literal(c) => shown.push(*c),
            Piece::Fill(_)
            | Piece::Point
            | Piece::Comma
            | Piece::Percent
            | Piece::Value
            | Piece::Date
            | Piece::Elapsed(_)
            | Piece::Unclear => {}
        }
    }
    shown
}

fn literals(pieces: &[Piece]) -> String {
    let literal = |piece: &Piece| match piece {
        Piece::Literal(c) | Piece::Fill(c) => Some(*c),
        Piece::Percent => Some('%'),
        Piece::Digit(_)
        | Piece::Point
        | Piece::Comma
        | Piece::Value
        | Piece::Date
        | Piece::Elapsed(_)
        | Piece::Unclear => None,
    };
    pieces.iter().filter_map(literal).collect()
}

/// The digits of a whole number, its marks taken out where they stand between groups of three.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(mark) = whole.chars().find(|c| !c.is_ascii_digit()) else { return Some(whole.to_owned()) };
    let groups: Vec<&str> = whole.split(mark).collect();
    let is_group = |group: &&str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
    let (first, others) = groups.split_first()?;
    let begins = (1..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_digit());
    let is_mark = matches!(mark, ' ' | '\u{a0}' | '\u{202f}' | ',' | '.' | '\'');
    (is_mark && begins && others.iter().all(is_group)).then(|| groups.concat())
}

/// Whether a text that a program showed for a number shows it as it is.
pub(super) fn shows(value: f64, shown: &str) -> bool {
    let text = at_15_digits(value);
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digit = |c: char| c.is_ascii_digit();
    let (Some(from), Some(to)) = (shown.find(digit), shown.rfind(digit)) else { return false };
    let (before, digits, behind) = (&shown[..from], &shown[from..=to], &shown[to + 1..]);
    // Behind the last mark stand decimals, unless there are three of them, or six: those look like thousands.
    let mark = digits.rfind(['.', ',']).filter(|at| (digits.len() - at - 1) % 3 != 0);
    let (shown_whole, shown_decimals) = mark.map_or((digits, ""), |at| (&digits[..at], &digits[at + 1..]));
    says_nothing(before)
        && says_nothing(behind)
        && shown_decimals.trim_end_matches('0') == decimals
        && ungrouped(shown_whole).is_some_and(|digits| digits == whole)
}

/// Whether what stands beside a number leaves it what it is: blanks, or the name of a currency or of points.
fn says_nothing(literals: &str) -> bool {
    let words =
        ["", "đ", "₫", "vnđ", "vnd", "đồng", "dong", "$", "usd", "điểm", "diem", "point", "points", "pt", "pts"];
    literals.to_lowercase().split_whitespace().all(|word| words.contains(&word.trim_end_matches('.')))
}

fn is_colour(lower: &str) -> bool {
    let named = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"].contains(&lower);
    named || lower.strip_prefix("color").is_some_and(|number| number.trim().bytes().all(|b| b.is_ascii_digit()))
}

fn without_prefix<'c>(text: &'c str, prefix: &str) -> Option<&'c str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
