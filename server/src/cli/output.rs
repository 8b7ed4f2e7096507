//! Standard output and standard error.

use std::io::{self, BufWriter, StdoutLock, Write};

const BUFFER_BYTES: usize = 64 << 10;

/// Standard output for much text; flush it before waiting.
pub(super) fn buffered() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock())
}

/// Writes `text` to standard output.
///
/// # Errors
/// Nobody reads it any more, for one.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line to standard error. If that fails there is nobody to tell.
pub(super) fn complain(line: &str) {
    let _nobody_to_tell = writeln!(io::stderr().lock(), "{line}");
}

/// Whether it failed because nobody reads our output any more, as in `consume ... | head`.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(broken)
}
