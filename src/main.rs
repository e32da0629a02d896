//! The `topup` program.

fn main() -> std::process::ExitCode {
    topup::cli::main()
}
