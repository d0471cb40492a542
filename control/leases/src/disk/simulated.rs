//! A disk in memory that forgets what was not synced, tears writes, fills up, fails and dies.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use fastrand::Rng;

use super::Disk;
use super::DiskFile;
use super::UNFINISHED;
use crate::sector::SECTOR;

/// A disk; clones are the same one.
#[derive(Clone)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

struct State {
    rng: Rng,
    files: Vec<File>,
    names: HashMap<String, usize>,
    durable_names: HashMap<String, usize>,
    /// Octets there are in all.
    space: u64,
    /// Operations until it dies.
    fuse: Option<u64>,
    is_dead: bool,
    /// One in so many writes and syncs fails.
    failing: Option<u32>,
}

#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    cached: Vec<u8>,
    pending: Vec<Change>,
    allocated: u64,
    /// Syncs that have failed.
    failures: u64,
}

#[derive(Clone)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl SimulatedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: Rng::with_seed(seed),
            files: Vec::new(),
            names: HashMap::new(),
            durable_names: HashMap::new(),
            space: u64::MAX,
            fuse: None,
            is_dead: false,
            failing: None,
        })))
    }

    /// Lets the process die after so many operations.
    pub(crate) fn light_fuse(&self, operations: u64) {
        self.state().fuse = Some(operations);
    }

    pub(crate) fn put_out_fuse(&self) {
        self.state().fuse = None;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    pub(crate) fn fail_one_in(&self, failing: Option<u32>) {
        self.state().failing = failing;
    }

    /// Leaves `octets` free.
    pub(crate) fn leave(&self, octets: u64) {
        let mut state = self.state();
        state.space = state.allocated().saturating_add(octets);
    }

    /// Ends the process; the system goes on.
    pub(crate) fn kill(&self) {
        self.state().is_dead = true;
    }

    /// The next process comes.
    pub(crate) fn revive(&self) {
        let mut state = self.state();
        state.is_dead = false;
        state.fuse = None;
    }

    /// Loses what was not synced, or some of it.
    pub(crate) fn lose_power(&self) {
        self.state().lose_power();
    }

    /// The names of files.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.state().names.keys().cloned().collect();
        names.sort();
        names
    }

    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[name]].cached.clone()
    }

    /// Changes a file behind the store's back, durably.
    pub(crate) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let id = state.names[name];
        let file = &mut state.files[id];
        change(&mut file.cached);
        file.durable = file.cached.clone();
        file.pending.clear();
    }

    /// Loses a file, durably.
    pub(crate) fn lose(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable_names.remove(name);
    }

    /// Another disk with the same files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(0);
        let state = self.state();
        {
            let mut other = copy.state();
            other.files = state.files.clone();
            other.names = state.names.clone();
            other.durable_names = state.durable_names.clone();
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Counts an operation that changes something.
    fn operate(&mut self) -> io::Result<()> {
        if let Some(fuse) = &mut self.fuse {
            if *fuse == 0 {
                self.is_dead = true;
            } else {
                *fuse -= 1;
            }
        }
        self.look()?;
        match self.failing {
            Some(failing) if self.rng.u32(0..failing) == 0 => Err(io::Error::other("bad sector")),
            _ => Ok(()),
        }
    }

    fn look(&self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("dead"));
        }
        Ok(())
    }

    fn allocated(&self) -> u64 {
        self.names
            .values()
            .map(|id| self.files[*id].allocated)
            .sum()
    }

    fn allocate(&mut self, id: usize, octets: u64) -> io::Result<()> {
        let more = octets.saturating_sub(self.files[id].allocated);
        if self.allocated().saturating_add(more) > self.space {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.files[id].allocated += more;
        Ok(())
    }

    fn lose_power(&mut self) {
        let rng = &mut self.rng;
        for file in &mut self.files {
            file.lose_power(rng);
        }
        let mut names = self.durable_names.clone();
        for (name, id) in &self.names {
            if rng.bool() {
                names.insert(name.clone(), *id);
            }
        }
        self.durable_names.clone_from(&names);
        self.names = names;
    }
}

impl File {
    fn apply(octets: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Length(length) if octets.len() < *length => octets.resize(*length, 0),
            Change::Length(_) => {}
            Change::Write(at, written) => {
                let end = at + written.len();
                if octets.len() < end {
                    octets.resize(end, 0);
                }
                octets[*at..end].copy_from_slice(written);
            }
        }
    }

    fn lose_power(&mut self, rng: &mut Rng) {
        self.write_some(rng);
        self.cached = self.durable.clone();
    }

    /// Makes some of what was not synced durable, and forgets the rest.
    fn write_some(&mut self, rng: &mut Rng) {
        let mut sectors: Vec<Change> = self.pending.drain(..).flat_map(sectors).collect();
        rng.shuffle(&mut sectors);
        let kept_of_ten = *rng.choice(&[0, 1, 5, 9, 10]).unwrap();
        for change in &sectors {
            if rng.u32(0..10) < kept_of_ten {
                Self::apply(&mut self.durable, change);
            }
        }
    }
}

fn sectors(change: Change) -> Vec<Change> {
    let Change::Write(at, written) = change else {
        return vec![change];
    };
    let mut parts = Vec::new();
    let mut from = 0;
    while from < written.len() {
        let here = at + from;
        let to = (from + SECTOR - here % SECTOR).min(written.len());
        parts.push(Change::Write(here, written[from..to].to_vec()));
        from = to;
    }
    parts
}

impl Disk for SimulatedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.state().look()?;
        Ok(self.names())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.look()?;
        let id = match state.names.get(name) {
            Some(id) => *id,
            None => {
                state.files.push(File::default());
                let id = state.files.len() - 1;
                state.names.insert(name.to_owned(), id);
                id
            }
        };
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            id,
            told: AtomicU64::new(state.files[id].failures),
        }))
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.names.remove(name);
        Ok(())
    }

    fn copy_to(&self, folder: &str) -> io::Result<()> {
        let mut state = self.state();
        for (name, id) in state.names.clone() {
            if !name.contains('/') {
                let file = state.files[id].clone();
                state.files.push(file);
                let id = state.files.len() - 1;
                state.names.insert(format!("{folder}/{name}"), id);
            }
        }
        Ok(())
    }

    fn move_to(&self, folder: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        for (name, id) in state.names.clone() {
            if !name.contains('/') && name != UNFINISHED {
                state.names.remove(&name);
                state.names.insert(format!("{folder}/{name}"), id);
            }
        }
        state.durable_names = state.names.clone();
        Ok(())
    }
}

/// A handle of a file. As on Linux, each handle is told once of what failed since it was opened.
struct SimulatedFile {
    disk: SimulatedDisk,
    id: usize,
    /// Failures that this handle knows of.
    told: AtomicU64,
}

impl DiskFile for SimulatedFile {
    fn octets(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.look()?;
        Ok(state.files[self.id].cached.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.look()?;
        let rest = state.files[self.id].cached.get(at as usize..);
        let rest = rest.unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, octets: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let at = at as usize;
        let mut written = octets;
        let mut done = state.operate();
        if done.is_err() {
            // What a process writes as it ends, or as the device fails, is there in part.
            let sectors = (at + state.rng.usize(0..=octets.len())) / SECTOR;
            written = &octets[..(sectors * SECTOR).saturating_sub(at)];
        } else {
            done = state.allocate(self.id, (at + octets.len()) as u64);
            if done.is_err() {
                written = &[];
            }
        }
        let change = Change::Write(at, written.to_vec());
        let file = &mut state.files[self.id];
        File::apply(&mut file.cached, &change);
        file.pending.push(change);
        done
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let done = state.operate();
        let State { files, rng, .. } = &mut *state;
        let file = &mut files[self.id];
        match &done {
            Ok(()) => {
                for change in file.pending.drain(..) {
                    File::apply(&mut file.durable, &change);
                }
            }
            // As systems do: what was not written is given up, and looks as if it had been.
            Err(_) => {
                file.write_some(rng);
                file.failures += 1;
            }
        }
        let told = self.told.swap(file.failures, Ordering::Relaxed);
        if done.is_ok() && told < file.failures {
            return Err(io::Error::other("bad sector before"));
        }
        done
    }

    fn reserve(&self, octets: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate()?;
        state.allocate(self.id, octets)?;
        let change = Change::Length(octets as usize);
        let file = &mut state.files[self.id];
        File::apply(&mut file.cached, &change);
        file.pending.push(change);
        Ok(())
    }
}
