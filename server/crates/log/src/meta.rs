//! `meta.properties`: whose directory this is, and in which format.

use std::path::Path;

use bytes::Bytes;
use uuid::Uuid;

use crate::disk::{Disk, OpenMode, write_at};
use crate::error::LogError;

/// Name of the file.
pub(crate) const FILE: &str = "meta.properties";
const TEMPORARY_FILE: &str = "meta.properties.tmp";
/// Newest layout of the data directory known.
const VERSION: u32 = 1;
/// Bytes that the file may have.
const MAX_BYTES: u64 = 64 << 10;

/// The id of the data directory; a new directory gets `new_dir_id`.
pub(crate) fn read_or_create(disk: &dyn Disk, new_dir_id: Uuid) -> Result<Uuid, LogError> {
    if let Some(dir_id) = read(disk)? {
        return Ok(dir_id);
    }
    let entries =
        disk.read_dir(Path::new("")).map_err(|error| LogError::io("listing the data directory", error))?;
    if entries.iter().any(|entry| entry.name == crate::checkpoint::FILE) {
        return Err(LogError::corrupt(FILE, 0, "it is missing, but there is a checkpoint: restore it"));
    }
    let text = format!("version={VERSION}\ndir.id={new_dir_id}\n");
    let create = || {
        let file = disk.open(TEMPORARY_FILE.as_ref(), OpenMode::Create)?;
        file.set_len(0)?;
        write_at(&*file, text.as_bytes(), 0)?;
        file.sync_data()?;
        disk.rename(TEMPORARY_FILE.as_ref(), FILE.as_ref())?;
        disk.sync_dir(Path::new(""))
    };
    create().map_err(|error| LogError::io(format!("creating {FILE}"), error))?;
    Ok(new_dir_id)
}

/// The id of the data directory, if it has one.
pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Uuid>, LogError> {
    let Some(bytes) = read_whole(disk, FILE.as_ref(), OpenMode::ReadOnly, MAX_BYTES)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.split_once('=').filter(|(found, _)| *found == key))
            .map(|(_, value)| value)
    };
    let damaged = |what: &str| LogError::corrupt(FILE, 0, format!("{what} is missing or malformed"));
    let found: u32 =
        value("version").and_then(|value| value.parse().ok()).ok_or_else(|| damaged("version"))?;
    if found > VERSION {
        return Err(LogError::NewerFormat { file: FILE.to_owned(), found, supported: VERSION });
    }
    let dir_id =
        value("dir.id").and_then(|value| Uuid::parse_str(value).ok()).ok_or_else(|| damaged("dir.id"))?;
    Ok(Some(dir_id))
}

/// A whole file; `None` if there is none.
pub(crate) fn read_whole(
    disk: &dyn Disk,
    path: &Path,
    mode: OpenMode,
    max_bytes: u64,
) -> Result<Option<Bytes>, LogError> {
    let read = || -> std::io::Result<Bytes> {
        let file = disk.open(path, mode)?;
        let len = file.len()?;
        if len > max_bytes {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let mut buf = vec![0; usize::try_from(len).map_err(|_| std::io::ErrorKind::FileTooLarge)?];
        let read = file.read_at(&mut buf, 0)?;
        buf.truncate(read);
        Ok(Bytes::from(buf))
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io(format!("reading {}", path.display()), error)),
    }
}
