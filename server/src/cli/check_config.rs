//! `check-config`: the effective configuration, or what is wrong with it.

use super::args::{CheckConfigArgs, ConfigArgs};
use super::output;
use crate::config::{ConfigError, Loaded, Loader, reference, report, sample_file};

pub(super) fn run(args: &CheckConfigArgs) -> anyhow::Result<()> {
    let text = match args {
        CheckConfigArgs { sample: true, .. } => sample_file(),
        CheckConfigArgs { reference: true, .. } => reference(),
        CheckConfigArgs { config, .. } => report(&config.load(std::env::vars())?),
    };
    Ok(output::print(&text)?)
}

impl ConfigArgs {
    /// The configuration that these flags and `variables` make.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self, variables: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, ConfigError> {
        let mut loader = Loader::new();
        if let Some(path) = &self.config {
            loader = loader.file(path)?;
        }
        loader = loader.environment(variables)?;
        for assignment in &self.assignments {
            loader = loader.assignment(assignment)?;
        }
        for (flag, name, value) in self.named() {
            if let Some(value) = value {
                loader = loader.flag(name, value, flag)?;
            }
        }
        loader.finish()
    }

    /// Flag, setting and value.
    fn named(&self) -> [(&'static str, &'static str, Option<&String>); 8] {
        [
            ("--data-dir", "log.dirs", self.data_dir.as_ref()),
            ("--listen", "listeners", self.listen.as_ref()),
            ("--advertise", "advertised.listeners", self.advertise.as_ref()),
            ("--admin-listen", "admin.listener", self.admin_listen.as_ref()),
            ("--node-id", "node.id", self.node_id.as_ref()),
            ("--join", "controller.quorum.bootstrap.servers", self.join.as_ref()),
            ("--log-level", "log.level", self.log_level.as_ref()),
            ("--log-format", "log.format", self.log_format.as_ref()),
        ]
    }
}
