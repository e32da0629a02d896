//! A cell of an ODS as its element says it, before its text is read.

use super::super::damage::{damaged_archive as damaged, unreadable};
use super::super::problem::IntakeError;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

/// What a cell says it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Nothing is said, as odfpy writes it: the text counts.
    #[default]
    None,
    Number,
    Percentage,
    Date,
    Time,
    Boolean,
    Text,
}

/// A cell as its element says, before its text is read.
#[derive(Debug, Default)]
pub(super) struct OdsCell {
    pub(super) repeats: u32,
    pub(super) style: Option<String>,
    pub(super) value_type: ValueType,
    number: Option<String>,
    date: Option<String>,
    time: Option<String>,
    boolean: Option<String>,
    string: Option<String>,
    pub(super) formula: bool,
    pub(super) is_error: bool,
    pub(super) is_covered: bool,
    /// Over how many columns and rows it reaches.
    pub(super) spans: (u32, u32),
}

impl OdsCell {
    /// Reads the attributes.
    pub(super) fn new(element: &BytesStart<'_>) -> Result<Self, IntakeError> {
        let mut cell = Self { repeats: 1, spans: (1, 1), ..Self::default() };
        cell.is_covered = element.name().as_ref() == "table:covered-table-cell";
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(unreadable)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(unreadable)?;
            match attribute.key.as_ref() {
                "table:number-columns-repeated" => cell.repeats = count(&value)?,
                "table:number-columns-spanned" => cell.spans.0 = count(&value)?,
                "table:number-rows-spanned" => cell.spans.1 = count(&value)?,
                "table:style-name" => cell.style = Some(value.into_owned()),
                "table:formula" => cell.formula = !value.is_empty(),
                "calcext:value-type" => cell.is_error = value == "error",
                "office:value-type" => {
                    cell.value_type = match value.as_ref() {
                        "float" | "currency" => ValueType::Number,
                        "percentage" => ValueType::Percentage,
                        "date" => ValueType::Date,
                        "time" => ValueType::Time,
                        "boolean" => ValueType::Boolean,
                        "string" => ValueType::Text,
                        _ => ValueType::None,
                    };
                }
                "office:value" => cell.number = Some(value.into_owned()),
                "office:date-value" => cell.date = Some(value.into_owned()),
                "office:time-value" => cell.time = Some(value.into_owned()),
                "office:boolean-value" => cell.boolean = Some(value.into_owned()),
                "office:string-value" => cell.string = Some(value.into_owned()),
                _ => {}
            }
        }
        if cell.value_type == ValueType::None {
            cell.value_type = cell.implied();
        }
        Ok(cell)
    }

    /// The type of a cell that has a value and does not say of which type it is.
    fn implied(&self) -> ValueType {
        match (&self.number, &self.date, &self.time, &self.boolean, &self.string) {
            (Some(_), ..) => ValueType::Number,
            (None, Some(_), ..) => ValueType::Date,
            (None, None, Some(_), ..) => ValueType::Time,
            (None, None, None, Some(_), _) => ValueType::Boolean,
            (None, None, None, None, Some(_)) => ValueType::Text,
            (None, None, None, None, None) => ValueType::None,
        }
    }

    /// The value that fits the type; without one the text counts.
    pub(super) fn value(&self) -> Option<&str> {
        match self.value_type {
            ValueType::None => None,
            ValueType::Number | ValueType::Percentage => self.number.as_deref(),
            ValueType::Date => self.date.as_deref(),
            ValueType::Time => self.time.as_deref(),
            ValueType::Boolean => self.boolean.as_deref(),
            ValueType::Text => self.string.as_deref(),
        }
    }
}

/// The tags of the cells in the row above, which a list repeats a million times: what they say is read once.
#[derive(Debug, Default)]
pub(super) struct Tags {
    above: Vec<(String, OdsCell)>,
}

/// Of how many cells of a row, and up to which length, tags are kept.
const TAGS_MAX: usize = 64;
const TAG_BYTES_MAX: usize = 512;

impl Tags {
    /// The cell that begins with this element and is the n-th of its row.
    pub(super) fn cell(&mut self, element: &BytesStart<'_>, nth: usize) -> Result<&OdsCell, IntakeError> {
        let tag: &str = element;
        let place = nth.min(TAGS_MAX);
        if self.above.len() <= place {
            self.above.resize_with(place + 1, Default::default);
        }
        let (above, cell) = &mut self.above[place];
        if above != tag {
            *cell = OdsCell::new(element)?;
            above.clear();
            // An empty one is no cell's.
            above.push_str(if tag.len() <= TAG_BYTES_MAX { tag } else { "" });
        }
        Ok(cell)
    }
}

/// How often something is repeated; what is no number is not guessed.
pub(super) fn count(number: &str) -> Result<u32, IntakeError> {
    let parsed: Result<u64, _> = number.trim().parse();
    let number = parsed.map_err(|_| damaged(format_args!("«{number}» is no count")))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX).max(1))
}
