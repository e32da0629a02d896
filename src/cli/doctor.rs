//! x
use super::{context::Context, failure::Failure, output::Report};
pub(super) fn doctor(_context: &Context) -> Result<Report, Failure> {
    todo!()
}
