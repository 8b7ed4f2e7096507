//! What a service manager is told: `sd_notify(3)`, datagrams to the socket that `NOTIFY_SOCKET` names.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::clock::Clock;
use crate::shutdown::Shutdown;
use crate::telemetry::Watchdog;

/// A service manager that wants to hear from this process.
pub(super) struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Within which time it wants a sign of life, again and again.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that these environment variables name. `None`: there is none, or it cannot be reached, which is logged.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let path = variable("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        let watchdog = watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
        match reach(&path) {
            Ok((socket, address)) => Some(Self { socket, address, watchdog }),
            Err(error) => {
                tracing::warn!(%error, NOTIFY_SOCKET = path, "the service manager cannot be told how the server is");
                None
            }
        }
    }

    /// Clients are served.
    pub(super) fn ready(&self) {
        self.tell("READY=1\nSTATUS=clients are served");
    }

    /// Says that the server stops as soon as somebody has asked for it, and that it is alive as long as no loop of it stands still.
    pub(super) async fn keep_told(self, clock: Clock, watchdog: Watchdog, shutdown: Shutdown) {
        let alive = || {
            if watchdog.stalled().is_empty() {
                self.tell("WATCHDOG=1");
            }
        };
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = self.half_of_watchdog(&clock) => alive(),
            }
        }
        self.tell("STOPPING=1\nSTATUS=answering what was asked, and closing the log");
        loop {
            self.half_of_watchdog(&clock).await;
            alive();
        }
    }

    /// As `sd_watchdog_enabled(3)` advises.
    async fn half_of_watchdog(&self, clock: &Clock) {
        match self.watchdog {
            Some(within) => clock.sleep(within / 2).await,
            None => std::future::pending().await,
        }
    }

    fn tell(&self, what: &str) {
        if let Err(error) = self.socket.send_to_addr(what.as_bytes(), &self.address) {
            tracing::warn!(%error, what, "the service manager did not take what it is told");
        }
    }
}

/// A path, or a name in the abstract namespace behind an `@`.
fn reach(path: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Within which time the service manager wants a sign of life of process `own`.
fn watchdog(usec: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    let for_us = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let usec = usec?.parse().ok().filter(|usec| for_us && *usec > 0)?;
    Some(Duration::from_micros(usec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let text = |text: &str| Some(text.to_owned());
        let second = Some(Duration::from_secs(1));
        for (usec, pid, expected) in [
            (text("1000000"), None, second),
            (text("1000000"), text("7"), second),
            (text("1000000"), text("8"), None),
            (text("0"), None, None),
            (text("soon"), None, None),
            (None, text("7"), None),
        ] {
            assert_eq!(watchdog(usec.clone(), pid.clone(), 7), expected, "{usec:?} {pid:?}");
        }
    }

    #[test]
    fn nobody_is_told_where_nobody_listens() {
        let at = |path: &str| ServiceManager::of(|name| (name == "NOTIFY_SOCKET").then(|| path.to_owned()));
        assert!(at("").is_none());
        assert!(at(&"x".repeat(200)).is_none(), "longer than the path of a socket can be");
        assert!(at("/no/such/socket").is_some_and(|manager| {
            manager.ready();
            manager.watchdog.is_none()
        }));
    }
}
