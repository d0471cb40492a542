//! `lwaftr check`: validates a configuration with its binding files and prints what it would use.

mod machine;
mod plan;
mod pools;
mod print;
mod store;

use std::error::Error;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

pub use machine::Machine;
pub use plan::Plan;
pub use pools::PoolPlan;
pub use store::StorePlan;

use crate::bindings_file::Progress;
use crate::cli::CheckArgs;
use crate::cli::Outcome;
use crate::config::Config;
use crate::config::Purpose;
use crate::softwires::Softwires;

/// Carries the command out.
///
/// # Errors
/// All that is wrong with the configuration, or the first fault of its bindings.
pub fn execute(args: &CheckArgs, json: bool) -> Outcome {
    let config = Config::read(&args.config, Purpose::Run)?;
    let bar = ReadingBar::default();
    let softwires = Softwires::read(&config, |file, progress| bar.show(file, progress))?;
    drop(bar);
    let store = args.against_store.then(|| against_store(&config));
    let mut plan = Plan::new(&config, softwires, &Machine::probe());
    plan.store = store.transpose()?;
    let mut output = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut output, &plan)?;
        writeln!(output)?;
    } else {
        print::plan(&mut output, &plan)?;
    }
    match plan.store {
        Some(store) if store.conflicts > 0 => Err(Conflicts(store.conflicts).into()),
        _ => Ok(()),
    }
}

/// Holds the configuration against the leases that it would have to go on with.
fn against_store(config: &Config) -> Result<StorePlan, Box<dyn Error + Send + Sync>> {
    let pcp = config.pcp.as_ref().ok_or(NoServer)?;
    let mut builder = Softwires::read(config, |_, _| ())?.builder;
    store::plan(config, pcp, &mut builder)
}

/// Leases that the configuration does not allow.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} leases do not fit the configuration: the daemon would not start")]
struct Conflicts(usize);

/// There is nothing to hold against a store.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("--against-store: the configuration has no [pcp]")]
struct NoServer;

/// A progress bar on stderr while files are read; nothing where stderr is no terminal.
#[derive(Debug)]
pub struct ReadingBar {
    bar: ProgressBar,
}

impl Default for ReadingBar {
    fn default() -> Self {
        let bar = ProgressBar::hidden();
        if io::stderr().is_terminal() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }
}

impl ReadingBar {
    /// Shows how far the reading of `file` is.
    pub fn show(&self, file: &Path, progress: Progress) {
        self.bar.set_length(progress.total_bytes);
        self.bar.set_position(progress.bytes);
        self.bar
            .set_message(format!("{}: {} rows", file.display(), progress.rows));
    }
}

impl Drop for ReadingBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
