//! Why a cell is refused, before its row and column are known.

use super::problem::ProblemKind;

/// Why a cell cannot be taken: the kind of trouble, and what is needed, what is there and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: ProblemKind,
    pub(crate) message: String,
}

/// The refusal of a cell.
pub(crate) fn refuse(kind: ProblemKind, message: impl Into<String>) -> Refusal {
    Refusal { kind, message: message.into() }
}
