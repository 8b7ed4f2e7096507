//! What the machine gives without a server: the disk and the loopback device.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use anyhow::Context;
use chronik_log::disk::{Disk, DiskFile, OpenMode, RealDisk};
use futures_util::future::try_join;

use super::Machine;
use super::args::{DiskBench, LoopbackBench};
use crate::cli::units::{float, show_size};
use crate::clock::Clock;

const PIECE_BYTES: usize = 1 << 20;
const FILE: &str = "chronik-bench.tmp";

/// Bytes moved in a time.
pub(super) struct Moved {
    bytes: u64,
    seconds: f64,
}

impl Moved {
    pub(super) fn bytes_per_second(&self) -> f64 {
        float(self.bytes) / self.seconds
    }

    pub(super) fn show(&self, what: &str) -> String {
        let (rate, bytes) = (show_size(self.bytes_per_second()), show_size(float(self.bytes)));
        format!("{what}\n  throughput  {rate}/s  ({bytes} in {:.2} s)\n", self.seconds)
    }
}

/// Writes a file over and over, synced after every piece; the file was written in full before, as a recycled segment is.
pub(super) async fn disk(args: &DiskBench, machine: &Machine) -> anyhow::Result<Moved> {
    let (args, clock) = (args.clone(), machine.clock.clone());
    let dir = args.dir.display().to_string();
    let measured = machine.spawner.blocking(move || {
        let disk = RealDisk::open(&args.dir)?;
        let result = write_and_sync(&disk, &args, &clock);
        disk.unlink(Path::new(FILE)).and(result)
    });
    measured.await.with_context(|| format!("writing to {dir}"))
}

fn write_and_sync(disk: &RealDisk, args: &DiskBench, clock: &Clock) -> io::Result<Moved> {
    let file = disk.open(Path::new(FILE), OpenMode::Create)?;
    let piece = vec![0x5a; PIECE_BYTES];
    let pieces_in_file = (args.file_size / PIECE_BYTES as u64).max(1);
    for index in 0..pieces_in_file {
        write_piece(&*file, &piece, index)?;
    }
    file.sync_data()?;
    let (started, pieces) = (clock.uptime(), (args.bytes / PIECE_BYTES as u64).max(1));
    for index in 0..pieces {
        write_piece(&*file, &piece, index % pieces_in_file)?;
        file.sync_data()?;
    }
    let seconds = (clock.uptime() - started).as_secs_f64();
    Ok(Moved { bytes: pieces * PIECE_BYTES as u64, seconds })
}

fn write_piece(file: &dyn DiskFile, piece: &[u8], index: u64) -> io::Result<()> {
    file.write_all_at(&mut [IoSlice::new(piece)], index * PIECE_BYTES as u64)
}

/// Sends bytes from one thread to another over TCP, the best that two blocking threads can do.
pub(super) async fn loopback(args: &LoopbackBench, machine: &Machine) -> anyhow::Result<Moved> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on the loopback address")?;
    let address = listener.local_addr()?;
    let (bytes, started) = (args.bytes, machine.clock.uptime());
    let sending = machine.spawner.blocking(move || send(&mut TcpStream::connect(address)?, bytes));
    let receiving = machine.spawner.blocking(move || receive(&mut listener.accept()?.0));
    let ((), bytes) = try_join(sending, receiving).await.context("copying over the loopback device")?;
    Ok(Moved { bytes, seconds: (machine.clock.uptime() - started).as_secs_f64() })
}

fn send(socket: &mut TcpStream, bytes: u64) -> io::Result<()> {
    let piece = vec![0x5a; PIECE_BYTES];
    for _ in 0..bytes.div_ceil(PIECE_BYTES as u64) {
        socket.write_all(&piece)?;
    }
    Ok(())
}

fn receive(socket: &mut TcpStream) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match socket.read(&mut piece)? {
            0 => return Ok(bytes),
            read => bytes += read as u64,
        }
    }
}
