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

/// An error and its causes. Many errors quote their cause, which is then not said twice.
pub(super) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let quoting = anyhow!("disk on fire").context("writing: disk on fire").context("cannot go on");
        assert_eq!(in_one_line(&quoting), "cannot go on: writing: disk on fire");
    }
}
