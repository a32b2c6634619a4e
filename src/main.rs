//! Parses arguments, runs one command, prints what it has to say, and ends with the exit status that it earned.

use std::process::ExitCode;

/// Reading 10,000 items and making feeds of them is a million small allocations by all processors at once: glibc's
/// allocator took a quarter of the time (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crieur::cli::main()
}
