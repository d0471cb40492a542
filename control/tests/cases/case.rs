//! A case as its folder states it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use toml::Table;
use toml::Value;

use crate::Outcome;
use crate::capture;
use crate::capture::Frame;
use crate::counters::Counters;
use crate::wiring::Wiring;

/// One folder of `tests/cases`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) sentence: String,
    pub(crate) config: Table,
    pub(crate) counters: Counters,
    pub(crate) internet: Packets,
    pub(crate) access: Packets,
    not_in: Vec<String>,
}

/// What comes in and goes out on one side.
#[derive(Clone, Debug)]
pub(crate) struct Packets {
    pub(crate) arriving: Vec<Frame>,
    pub(crate) leaving: Vec<Frame>,
}

impl Packets {
    fn read(folder: &Path, side: &str) -> Outcome<Self> {
        Ok(Self {
            arriving: capture::read(&folder.join(format!("{side}-in.pcap")))?,
            leaving: capture::read(&folder.join(format!("{side}-out.pcap")))?,
        })
    }
}

impl Case {
    /// Reads a folder; every key of its `case.toml` must be one that is known here.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let file = folder.join("case.toml");
        let mut settings = table(&file)?;
        let faulty = |what: &str| format!("{}: {what}", file.display());
        let Some(Value::String(sentence)) = settings.remove("sentence") else {
            return Err(faulty("'sentence' is missing").into());
        };
        if !settings
            .remove("rules")
            .is_some_and(|rules| lists_rules(&rules))
        {
            return Err(faulty("'rules' names no rule").into());
        }
        let config = subtable(&mut settings, "config").map_err(|key| faulty(&key))?;
        let not_in = subtable(&mut settings, "not_in").map_err(|key| faulty(&key))?;
        let counters = subtable(&mut settings, "counters").map_err(|key| faulty(&key))?;
        if let Some(key) = settings.keys().next() {
            return Err(faulty(&format!("unknown key '{key}'")).into());
        }
        let unknown = not_in
            .keys()
            .find(|name| Wiring::ALL.iter().all(|one| one.name() != *name));
        if let Some(name) = unknown {
            return Err(faulty(&format!("'{name}' is no wiring")).into());
        }
        Ok(Self {
            name: folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            folder: folder.to_owned(),
            sentence,
            config,
            counters: Counters::from_table(&counters).map_err(|what| faulty(&what))?,
            internet: Packets::read(folder, "internet")?,
            access: Packets::read(folder, "access")?,
            not_in: not_in.keys().cloned().collect(),
        })
    }

    /// Whether the case makes sense in `wiring`.
    pub(crate) fn runs_in(&self, wiring: Wiring) -> bool {
        !self.not_in.iter().any(|name| name == wiring.name())
    }

    /// The roster of a case that begins after a loss of leases.
    pub(crate) fn roster(&self) -> Option<PathBuf> {
        Some(self.folder.join("roster")).filter(|file| file.is_file())
    }

    /// Puts other counters into `case.toml`.
    pub(crate) fn rewrite_counters(&self, counters: &Counters) -> Outcome<()> {
        let file = self.folder.join("case.toml");
        let text = fs::read_to_string(&file)?;
        let kept = text.find(COUNTERS).map_or(text.as_str(), |at| &text[..at]);
        fs::write(&file, format!("{kept}{COUNTERS}\n{counters}"))?;
        Ok(())
    }
}

/// The configuration that all cases start from.
#[derive(Clone, Debug)]
pub(crate) struct Base(Table);

impl Base {
    /// Reads `base.toml`.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        table(&folder.join("base.toml")).map(Self)
    }

    /// The base with a case's differences.
    pub(crate) fn with(&self, differences: &Table) -> Table {
        let mut config = self.0.clone();
        merge(&mut config, differences);
        config
    }
}

/// Tables are merged key by key; every other value replaces what was there.
fn merge(into: &mut Table, from: &Table) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The folders of all cases, in the order of their names.
pub(crate) fn folders(cases: &Path) -> Outcome<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(cases)? {
        let path = entry?.path();
        if path.join("case.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(format!("{}: no case in it", cases.display()).into());
    }
    Ok(folders)
}

fn table(file: &Path) -> Outcome<Table> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text
        .parse()
        .map_err(|error| format!("{}: {error}", file.display()))?)
}

fn subtable(settings: &mut Table, key: &str) -> Result<Table, String> {
    match settings.remove(key) {
        None => Ok(Table::new()),
        Some(Value::Table(table)) => Ok(table),
        Some(_) => Err(format!("'{key}' is no table")),
    }
}

fn lists_rules(value: &Value) -> bool {
    let rules = value.as_array().map_or(&[][..], Vec::as_slice);
    !rules.is_empty() && rules.iter().all(Value::is_str)
}

const COUNTERS: &str = "[counters]";
