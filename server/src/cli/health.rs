//! `health`: what the health checks of a server say, for scripts and for the health check of a container.

use std::time::Duration;

use anyhow::{Context, bail};

use super::args::HealthArgs;
use super::{http, output};
use crate::clock::Clock;

pub(super) async fn run(args: HealthArgs, clock: Clock) -> anyhow::Result<()> {
    let path = if args.live { "/health/live" } else { "/health/ready" };
    let answer = tokio::select! {
        biased;
        answer = http::ask(&args.admin, path) => answer.with_context(|| format!("no server answers at http://{}{path}", args.admin))?,
        () = clock.sleep(Duration::from_secs(args.timeout)) =>
            bail!("no answer from http://{}{path} within {} s (--timeout)", args.admin, args.timeout),
    };
    if !answer.is_ok() {
        bail!("{path} of {} fails: {}", args.admin, answer.body.trim());
    }
    Ok(output::print(&format!("{}\n", answer.body.trim()))?)
}
