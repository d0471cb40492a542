//! Programs in the background: their output in a file, their end guaranteed.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
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
    /// Starts `command`; all it prints goes to `folder/name.log`.
    pub(crate) fn start(command: &mut Command, folder: &Path, name: &str) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        command
            .stdin(Stdio::null())
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

    /// What the program has printed so far.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the program has printed `text`.
    pub(crate) fn wait_for(&mut self, text: &str, patience: Duration) -> Outcome<()> {
        let printed = wait_until(patience, || {
            self.printed().contains(text) || self.has_ended()
        });
        if printed && self.printed().contains(text) {
            return Ok(());
        }
        let (name, printed) = (&self.name, self.printed());
        Err(format!("{name} did not print '{text}':\n{printed}").into())
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) -> Outcome<()> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &id])).map(drop)
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        Ok(self.child.wait().map(drop)?)
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self, patience: Duration) -> Outcome<ExitStatus> {
        wait_until(patience, || self.has_ended());
        let ended = self.child.try_wait()?;
        ended.ok_or_else(|| {
            let (name, printed) = (&self.name, self.printed());
            format!("{name} has not ended after {patience:?}:\n{printed}").into()
        })
    }

    /// Waits for a good end; gives what the program printed.
    pub(crate) fn succeed(&mut self, patience: Duration) -> Outcome<String> {
        let status = self.wait(patience)?;
        if status.success() {
            Ok(self.printed())
        } else {
            Err(format!("{}: {status}:\n{}", self.name, self.printed()).into())
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a short command to its good end; gives its standard output.
pub(crate) fn run(command: &mut Command) -> Outcome<String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}: {}", output.status, complaint.trim()).into())
    }
}

/// Waits until `done`, for some time at most. Returns whether it is.
pub(crate) fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

const POLL: Duration = Duration::from_millis(20);
