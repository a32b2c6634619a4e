//! Parses arguments, runs one command, prints what it has to say, and ends with the exit status that it earned.

use std::process::ExitCode;

fn main() -> ExitCode {
    crieur::cli::main()
}
