//! `log dump|verify DIR`: a data directory, offline.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use chronik_log::disk::{DirLock, RealDisk};
use chronik_log::dump::{self, Report, WalEntry};
use chronik_log::{Damage, Disk, PartitionId};

use super::args::{LogAction, LogDump};
use super::output;
use super::units::{counted, float, show_size};

pub(super) fn run(action: &LogAction) -> anyhow::Result<()> {
    match action {
        LogAction::Dump(args) => dump(args),
        LogAction::Verify { dir } => verify(dir),
    }
}

/// The disk of a data directory, which must be one.
fn open(dir: &Path) -> anyhow::Result<Arc<dyn Disk>> {
    if !dir.is_dir() {
        bail!("{} is not a directory", dir.display());
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir)?);
    if dump::dir_id(&*disk)?.is_none() {
        bail!("{} is not a data directory of Chronik: it has no meta.properties", dir.display());
    }
    Ok(disk)
}

fn verify(dir: &Path) -> anyhow::Result<()> {
    let disk = open(dir)?;
    let _lock = lock(&*disk, dir)?;
    let report = dump::verify(&disk)?;
    output::print(&summary(&report))?;
    if report.damage.is_empty() {
        return Ok(());
    }
    bail!("{} found in {}", counted(report.damage.len() as u64, "damaged place"), dir.display())
}

/// A server that runs changes what is looked at.
fn lock(disk: &dyn Disk, dir: &Path) -> anyhow::Result<Box<dyn DirLock>> {
    disk.lock().map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => anyhow::anyhow!("a server uses {}: stop it first", dir.display()),
        _ => anyhow::Error::new(error).context(format!("locking {}", dir.display())),
    })
}

fn summary(report: &Report) -> String {
    let mut out = format!(
        "{} in {} of {} ({}), {} in the write-ahead log above the checkpoint\n",
        counted(report.batches, "batch"),
        counted(report.segments, "segment"),
        counted(report.partitions, "partition"),
        show_size(float(report.bytes)),
        counted(report.wal_records, "record"),
    );
    for damage in &report.damage {
        out.push_str(&describe(damage));
    }
    if report.damage.is_empty() {
        out.push_str("no damage\n");
    }
    out
}

fn describe(damage: &Damage) -> String {
    let partition = damage.partition.map(|id| format!(" (partition {id})")).unwrap_or_default();
    format!("DAMAGED {} at byte {}{partition}: {}\n", damage.file, damage.position, damage.reason)
}

fn dump(args: &LogDump) -> anyhow::Result<()> {
    let disk = open(&args.dir)?;
    let mut out = output::buffered();
    let wanted = match &args.partition {
        None => None,
        Some(name) => Some(PartitionId::parse_dir_name(name).with_context(|| {
            format!("'{name}' is not the name of a partition's folder, such as 00000000-0000-0000-0000-000000000001-0")
        })?),
    };
    if !args.segments_only {
        dump_wal(&*disk, args.all, wanted, &mut out)?;
    }
    if !args.wal_only {
        for id in dump::partitions(&*disk)?.into_iter().filter(|id| wanted.is_none_or(|wanted| wanted == *id))
        {
            dump_partition(&disk, id, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

fn dump_wal(
    disk: &dyn Disk,
    all: bool,
    wanted: Option<PartitionId>,
    out: &mut BufWriter<StdoutLock<'static>>,
) -> anyhow::Result<()> {
    let mut written = Ok(());
    let damage = dump::wal(disk, all, &mut |entry| {
        if written.is_ok() && (wanted.is_none() || wanted == entry.partition) {
            written = write_entry(out, &entry);
        }
    })?;
    written?;
    for damage in &damage {
        out.write_all(describe(damage).as_bytes())?;
    }
    Ok(())
}

fn write_entry(out: &mut impl Write, entry: &WalEntry) -> io::Result<()> {
    let partition = entry.partition.map(|id| format!(" {id}")).unwrap_or_default();
    let WalEntry { lsn, file, position, kind, detail, .. } = entry;
    writeln!(out, "{file} {position}: lsn {lsn} {kind}{partition} {detail}")
}

fn dump_partition(
    disk: &Arc<dyn Disk>,
    id: PartitionId,
    out: &mut BufWriter<StdoutLock<'static>>,
) -> anyhow::Result<()> {
    for base_offset in dump::segments(&**disk, id)? {
        let mut written = writeln!(out, "{id}/{base_offset:020}.log");
        let walked = dump::batches(disk, id, base_offset, &mut |position, header| {
            if written.is_ok() {
                let horizon = header.delete_horizon_ms().map(|ms| format!(" delete horizon {ms}"));
                written = writeln!(
                    out,
                    "  {position}: offsets {}..={} epoch {} {} records {} bytes {:?} producer {}:{} sequence {}{}",
                    header.base_offset,
                    header.last_offset(),
                    header.partition_leader_epoch,
                    header.record_count,
                    header.total_len(),
                    header.compression(),
                    header.producer_id,
                    header.producer_epoch,
                    header.base_sequence,
                    horizon.unwrap_or_default()
                );
            }
        });
        written?;
        if let Err(error) = walked {
            writeln!(out, "  ends here: {error}")?;
        }
    }
    Ok(())
}
