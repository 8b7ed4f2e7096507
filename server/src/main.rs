//! The command `chronik-server`: see `chronik_server::cli`.

#[cfg(not(any(loom, shuttle)))]
fn main() -> std::process::ExitCode {
    chronik_server::cli::run()
}

#[cfg(any(loom, shuttle))]
fn main() {}
