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

use libtest_mimic::Failed;

/// What a step of a scenario gives: anything that can be printed can go wrong.
pub type Outcome<T> = Result<T, Failed>;

/// A running program; it is killed when this goes away.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; all it prints goes to `folder/name.log`.
    pub fn start(command: &mut Command, folder: &Path, name: &str) -> Outcome<Self> {
        Self::spawn(command.stdin(Stdio::null()), folder, name)
    }

    /// The same, with a standard input that stays open until it is closed.
    pub fn start_with_input(command: &mut Command, folder: &Path, name: &str) -> Outcome<Self> {
        Self::spawn(command.stdin(Stdio::piped()), folder, name)
    }

    fn spawn(command: &mut Command, folder: &Path, name: &str) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        command.stderr(out.try_clone()?).stdout(out);
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
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the program has printed `text`; gives the line with it.
    pub fn wait_for(&mut self, text: &str, patience: Duration) -> Outcome<String> {
        self.wait_for_times(text, 1, patience)
    }

    /// Waits until so many lines with `text` were printed; gives the last of them.
    pub fn wait_for_times(
        &mut self,
        text: &str,
        times: usize,
        patience: Duration,
    ) -> Outcome<String> {
        let mut line = None;
        wait_until(patience, || {
            // Asked first: what has ended prints nothing more.
            let ended = self.has_ended();
            line = self.line(text, times);
            line.is_some() || ended
        });
        line.ok_or_else(|| {
            let (name, printed) = (&self.name, self.printed());
            format!("{name} did not print '{text}' {times} times:\n{printed}").into()
        })
    }

    /// The line with which `text` was printed for the given time.
    fn line(&self, text: &str, times: usize) -> Option<String> {
        let printed = self.printed();
        let mut lines = printed.lines().filter(|line| line.contains(text));
        lines.nth(times.checked_sub(1)?).map(str::to_owned)
    }

    /// Closes its standard input.
    pub fn close_input(&mut self) {
        self.child.stdin.take();
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) -> Outcome<()> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &id])).map(drop)
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        Ok(self.child.wait().map(drop)?)
    }

    /// Waits for the end.
    pub fn wait(&mut self, patience: Duration) -> Outcome<ExitStatus> {
        wait_until(patience, || self.has_ended());
        let ended = self.child.try_wait()?;
        ended.ok_or_else(|| {
            let (name, printed) = (&self.name, self.printed());
            format!("{name} has not ended after {patience:?}:\n{printed}").into()
        })
    }

    /// Waits for a good end; gives what the program printed.
    pub fn succeed(&mut self, patience: Duration) -> Outcome<String> {
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
pub fn run(command: &mut Command) -> Outcome<String> {
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
pub fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_waited_for_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(
            folder.path(),
            "echo a 1; echo b; echo a 2; read end; echo $end",
        );
        assert_eq!(process.wait_for("a", PATIENCE).unwrap(), "a 1");
        assert_eq!(process.wait_for_times("a", 2, PATIENCE).unwrap(), "a 2");
        assert!(process.wait_for("a 3", Duration::ZERO).is_err());
        assert!(!process.has_ended());
        process.close_input();
        let printed = process.succeed(PATIENCE).unwrap();
        assert_eq!(printed, "a 1\nb\na 2\n\n");
        // It has ended, so that nobody waits.
        assert!(process.wait_for("c", PATIENCE).is_err());
    }

    #[test]
    fn a_program_ends_by_a_signal_or_with_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo told; exit 3' TERM; echo ready; read end";
        let mut process = shell(folder.path(), script);
        process.wait_for("ready", PATIENCE).unwrap();
        assert!(process.wait(Duration::ZERO).is_err());
        process.terminate().unwrap();
        assert_eq!(process.wait(PATIENCE).unwrap().code(), Some(3));
        assert!(process.succeed(PATIENCE).is_err());
        assert!(process.printed().ends_with("told\n"));
        let process = shell(folder.path(), "read end");
        let entry = PathBuf::from(format!("/proc/{}", process.id()));
        assert!(entry.exists());
        drop(process);
        assert!(!entry.exists());
    }

    #[test]
    fn a_command_is_run_to_its_good_end_or_says_why_not() {
        let run = |script| run(Command::new("sh").args(["-c", script]));
        assert_eq!(run("echo good").unwrap(), "good\n");
        let error = run("echo reason >&2; false").unwrap_err();
        assert!(error.message().unwrap_or_default().ends_with(": reason"));
    }

    fn shell(folder: &Path, script: &str) -> Process {
        let mut command = Command::new("sh");
        Process::start_with_input(command.args(["-c", script]), folder, "shell").unwrap()
    }

    const PATIENCE: Duration = Duration::from_secs(30);
}
