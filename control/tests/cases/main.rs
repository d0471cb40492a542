//! The case folders of `tests/cases`, each replayed in every wiring it allows.
//!
//! A case is a sentence, a difference to `base.toml`, packets in, packets out and the counters that
//! moved; see `tests/cases/README.md`. `UPDATE_COUNTERS=1` rewrites the counters of `case.toml` from
//! what the program counts; packets are never rewritten, they come from the generators.

mod capture;
mod case;
mod check;
mod counters;
mod identification;
mod replay;
mod self_test;
mod wiring;

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;

use case::Base;
use case::Case;
use wiring::Wiring;

/// What a step of a test gives: anything that can be printed can go wrong.
type Outcome<T> = Result<T, Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&cases_folder()) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("cases: {}", error.message().unwrap_or("cannot be read"));
            ExitCode::FAILURE
        }
    }
}

fn trials(folder: &Path) -> Outcome<Vec<Trial>> {
    let base = Arc::new(Base::read(folder)?);
    let mut cases = Vec::new();
    for path in case::folders(folder)? {
        cases.push(Arc::new(Case::read(&path)?));
    }
    let mut trials = self_test::trials(&base, &cases)?;
    for case in &cases {
        for wiring in Wiring::ALL
            .into_iter()
            .filter(|wiring| case.runs_in(*wiring))
        {
            let name = format!("{}::{}", wiring.name(), case.name);
            let (base, case) = (Arc::clone(&base), Arc::clone(case));
            trials.push(Trial::test(name, move || check::case(&base, &case, wiring)));
        }
    }
    Ok(trials)
}

fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases")
}
