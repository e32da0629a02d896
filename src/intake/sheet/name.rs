//! The name of a sheet, as people type it.

use unicode_normalization::UnicodeNormalization;

/// A sheet that holds cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SheetName {
    pub(crate) name: String,
    pub(crate) is_visible: bool,
}

impl SheetName {
    /// Whether a name reads the same: `ế` may be one character or three.
    pub(crate) fn reads_as(&self, name: &str) -> bool {
        self.name.trim().nfc().eq(name.trim().nfc())
    }
}
