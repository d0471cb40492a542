//! `lwaftr lease check|export|import|restore`: what is done to the lease store of a daemon that is stopped.
//! One that runs holds its store's lock, and the commands say so.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;

use leases::file_store::Ending;
use leases::file_store::OpenOptions;
use leases::offline;
use leases::offline::Report;
use leases::offline::Restored;
use serde_json::Value;
use serde_json::json;
use thiserror::Error;

use crate::cli::ImportArgs;
use crate::cli::Outcome;
use crate::cli::StoreArgs;
use crate::config::Config;
use crate::config::Purpose;

/// Where the store is, and how sets rest in it.
struct Place {
    path: PathBuf,
    options: OpenOptions,
}

/// Says what is in a store.
///
/// # Errors
/// When it cannot be read, or something is wrong with it.
pub fn check(args: &StoreArgs, json: bool) -> Outcome {
    let place = place(args)?;
    let report = offline::check(&place.path)?;
    say(json, &report_of(&report), &summary(&report));
    match report.fault {
        None => Ok(()),
        Some(fault) => Err(Damaged(fault.to_string()).into()),
    }
}

/// Prints all leases, a line each.
///
/// # Errors
/// When the store cannot be read.
pub fn export(args: &StoreArgs) -> Outcome {
    let place = place(args)?;
    let lines = offline::export(&place.path, io::stdout().lock())?;
    eprintln!("{lines} leases");
    Ok(())
}

/// Makes a store.
///
/// # Errors
/// When there is one already, or a line is no lease.
pub fn import(args: &ImportArgs, json: bool) -> Outcome {
    let place = place(&args.store)?;
    let lines: Box<dyn BufRead> = if args.leases == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let failed = |error| Unreadable {
            file: args.leases.clone(),
            error,
        };
        Box::new(BufReader::new(File::open(&args.leases).map_err(failed)?))
    };
    let count = offline::import(&place.path, &place.options, lines)?;
    let text = format!("{} has {count} sets", place.path.display());
    say(json, &json!({ "sets": count }), &text);
    Ok(())
}

/// Makes a new store of a damaged one.
///
/// # Errors
/// When nothing is wrong with it, or it cannot be read at all.
pub fn restore(args: &StoreArgs, json: bool) -> Outcome {
    let place = place(args)?;
    let restored = offline::restore(&place.path, &place.options)?;
    let Restored {
        fault,
        folder,
        rows,
        rested,
        lost_records,
        lost_blocks,
    } = restored;
    let value = json!({
        "fault": fault.to_string(),
        "folder": folder,
        "sets": rows,
        "rested": rested,
        "lost_commits": lost_records,
        "lost_checkpoint_blocks": lost_blocks,
    });
    let text = format!(
        "{fault}\n{rows} sets are saved, {rested} of them rest because their leases may be out of date\n\
         {lost_records} commits and {lost_blocks} blocks of the checkpoint are lost\n\
         the damaged store is in {folder}"
    );
    say(json, &value, &text);
    Ok(())
}

fn place(args: &StoreArgs) -> Result<Place, Box<dyn std::error::Error + Send + Sync>> {
    let mut options = OpenOptions::default();
    let path = match (&args.config, &args.store) {
        (Some(file), _) => {
            let config = Config::read(file, Purpose::Replay)?;
            if let Some(pcp) = &config.pcp {
                options.quarantine = pcp.quarantine;
            }
            config.leases.path
        }
        (None, Some(store)) => store.clone(),
        (None, None) => return Err(NoStore.into()),
    };
    Ok(Place { path, options })
}

fn report_of(report: &Report) -> Value {
    json!({
        "format": report.version,
        "last_commit": report.last.map(|last| offline::utc(last.utc_ms)),
        "epoch_s": report.last.map(|last| last.epoch_s),
        "whole": report.fault.is_none(),
        "torn": report.ending == Ending::Torn,
        "checkpoint_sets": report.checkpoint_rows,
        "commits_since": report.records,
        "held": report.held,
        "resting": report.resting,
        "fault": report.fault.as_ref().map(ToString::to_string),
    })
}

fn summary(report: &Report) -> String {
    let last = report.last.map(|last| offline::utc(last.utc_ms));
    let ending = match report.ending {
        Ending::Whole => "",
        Ending::Torn => "\nthe last run ended within a commit, which nobody was told of",
    };
    format!(
        "format {}, last commit {}\n{} sets in the checkpoint, {} commits since\n{} leases, {} sets that \
         were given back{ending}",
        report.version,
        last.as_deref().unwrap_or("never"),
        report.checkpoint_rows,
        report.records,
        report.held,
        report.resting,
    )
}

fn say(json: bool, value: &Value, text: &str) {
    if json {
        println!("{value:#}");
    } else {
        println!("{text}");
    }
}

/// The store is damaged.
#[derive(Debug, Error)]
#[error("{0}; \"lwaftr lease restore\" saves what can be read")]
struct Damaged(String);

/// Neither a configuration nor a folder is named.
#[derive(Debug, Error)]
#[error("expected --config or --store")]
struct NoStore;

/// A file cannot be read.
#[derive(Debug, Error)]
#[error("{}: cannot be read: {error}", file.display())]
struct Unreadable {
    file: PathBuf,
    error: io::Error,
}
