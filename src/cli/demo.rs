//! x
use super::{
    failure::Failure,
    output::{Output, Report},
};
pub(super) fn demo(_output: Output) -> Result<Report, Failure> {
    todo!()
}
