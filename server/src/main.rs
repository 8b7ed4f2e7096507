//! The command `chronik-server`: see `chronik_server::cli`.

/// Buffers of a mebibyte come and go with every request; this allocator keeps them mapped, where the system's gives each back and
/// faults it in again.
#[cfg(not(any(loom, shuttle)))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(not(any(loom, shuttle)))]
fn main() -> std::process::ExitCode {
    chronik_server::cli::run()
}

#[cfg(any(loom, shuttle))]
fn main() {}
