//! Running `lwaftr replay` over a wired case.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::Outcome;
use crate::capture;
use crate::capture::Frame;
use crate::counters::Counters;
use crate::wiring::Side;
use crate::wiring::Wired;
use crate::wiring::Wiring;
use crate::wiring::side_of;

/// What the program made of a case.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    pub(crate) internet_out: Vec<Frame>,
    pub(crate) access_out: Vec<Frame>,
    pub(crate) counters: Counters,
}

/// Replays a case and collects what came out.
pub(crate) fn run(wired: &Wired, wiring: Wiring) -> Outcome<Replayed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("lwaftr.toml"), wired.config.to_string())?;
    let (inputs, outputs): (Vec<(&str, Vec<Frame>)>, &[&str]) = if wiring.is_stick() {
        (vec![("stick-in", wired.stick_in())], &["stick-out"])
    } else {
        let both = vec![
            ("internet-in", wired.internet_in.clone()),
            ("access-in", wired.access_in.clone()),
        ];
        (both, &["internet-out", "access-out"])
    };
    let mut arguments: Vec<OsString> = vec!["replay".into(), "-c".into(), at("lwaftr.toml").into()];
    for (name, frames) in &inputs {
        capture::write(&at(name), frames)?;
        arguments.extend([format!("--{name}").into(), at(name).into()]);
    }
    for name in outputs {
        arguments.extend([format!("--{name}").into(), at(name).into()]);
    }
    if let Some(roster) = &wired.roster {
        arguments.extend(["--roster".into(), roster.into()]);
    }
    arguments.extend(["--counters".into(), at("counters.json").into()]);
    arguments.extend(["--seed".into(), "1".into()]);
    finish(&arguments, folder.path())?;
    let counters = Counters::from_json(&at("counters.json"))?;
    let (internet_out, access_out) = if wiring.is_stick() {
        let frames = capture::read(&at("stick-out"))?;
        frames
            .into_iter()
            .partition(|frame| side_of(frame, wiring) == Side::Internet)
    } else {
        (
            capture::read(&at("internet-out"))?,
            capture::read(&at("access-out"))?,
        )
    };
    Ok(Replayed {
        internet_out,
        access_out,
        counters,
    })
}

fn finish(arguments: &[OsString], folder: &Path) -> Outcome<()> {
    let log = folder.join("log");
    let mut replay = Command::new(env!("CARGO_BIN_EXE_lwaftr"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("out"))?)
        .stderr(fs::File::create(&log)?)
        .spawn()?;
    let ended = wait(&mut replay)?;
    if ended {
        Ok(())
    } else {
        Err(fs::read_to_string(&log)?.into())
    }
}

/// Whether the program ended well, in time.
fn wait(replay: &mut Child) -> Outcome<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = replay.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > deadline {
            replay.kill()?;
            replay.wait()?;
            return Err(format!("replay did not end within {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(POLL);
    }
}

/// A replay takes a fraction of a second; the rest is for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);
