//! Parses arguments, runs one command, prints what it has to say, and ends with the exit status that it earned.

use std::process::ExitCode;

/// Of the static binary: the C library that is in it has a slow one.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crieur::cli::main()
}
