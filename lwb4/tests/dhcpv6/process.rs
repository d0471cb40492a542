//! Programs in the background: their output in a file, their end guaranteed.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::Outcome;

/// A running program; it is killed when this goes away.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; all it prints goes to `folder/name.log`. Its standard input stays open.
    pub(crate) fn start(command: &mut Command, folder: &Path, name: &str) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        command
            .stdin(Stdio::piped())
            .stderr(out.try_clone()?)
            .stdout(out);
        let child = command
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has printed `text` so many times; gives the last line with it.
    pub(crate) fn wait_for(&mut self, text: &str, times: usize) -> Outcome<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let printed = self.printed();
            let mut lines = printed.lines().filter(|line| line.contains(text));
            if let Some(line) = lines.nth(times - 1) {
                return Ok(line.to_owned());
            }
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                let name = &self.name;
                return Err(
                    format!("{name} did not print '{text}' {times} times:\n{printed}").into(),
                );
            }
            thread::sleep(POLL);
        }
    }

    /// Closes its standard input.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin.take();
    }

    /// Ends it with SIGTERM, and waits for its good end.
    pub(crate) fn terminate(&mut self) -> Outcome<()> {
        run(Command::new("kill").arg(self.child.id().to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                None if Instant::now() < deadline => thread::sleep(POLL),
                ended => {
                    let (name, printed) = (&self.name, self.printed());
                    return Err(format!("{name}: {ended:?}:\n{printed}").into());
                }
            }
        }
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        Ok(self.child.wait().map(drop)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.kill();
    }
}

/// Runs a short command to its good end.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, complaint.trim()).into())
}

const PATIENCE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(20);
