//! Replacing the table as a whole, or all bindings of one origin, by one swap.
//!
//! The new rows are built aside, on any thread; here, on the publisher's, the rows that stay join them,
//! softwires that are in both keep their numbers, and the root is swapped. A conflict leaves everything
//! as it was.

use super::builder::Builder;
use super::edit::Editor;
use super::publisher::Publisher;
use super::refusal::Refusal;
use super::root::Table;
use super::softwire::Origin;
use super::softwire::SoftwireId;

/// What a load replaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replace {
    /// Everything.
    All,
    /// The bindings of one origin; those of others stay.
    Origin(Origin),
}

impl Publisher {
    /// Publishes `builder`'s bindings in place of those that `replace` names. Softwires that keep ports
    /// and B4 keep their number and path MTU. Returns how many softwires there are now.
    ///
    /// # Errors
    /// When a new binding conflicts with one that stays, numbers run out, or workers have not let go of
    /// the table of the load before.
    pub fn load(&mut self, builder: Builder, replace: Replace) -> Result<usize, Refusal> {
        self.outlive_displaced()?;
        let Builder { table, mut editor } = builder;
        let mut numbering = Numbering::new(self.ids());
        let joined = self
            .number(&table, &mut numbering)
            .and_then(|()| self.join(&table, &mut editor, replace, &mut numbering));
        if let Err(refusal) = joined {
            for id in numbering.new {
                self.editor.workshop.ids.give(id);
            }
            return Err(refusal);
        }
        let gone = self
            .iter()
            .map(|row| row.id)
            .filter(|&id| !numbering.keeps(id))
            .collect();
        std::mem::swap(&mut editor.workshop.ids, &mut self.editor.workshop.ids);
        self.swap(table, editor, gone);
        Ok(self.len())
    }

    /// Gives the softwires of the new table the numbers they had, or new ones.
    fn number(&mut self, table: &Table, numbering: &mut Numbering) -> Result<(), Refusal> {
        for (ipv4, slot) in table.slots() {
            for (_, softwire) in table.members(slot) {
                let ports = table.ports_of(ipv4, softwire);
                let old = ports.and_then(|ports| self.table().find(ipv4, ports));
                if let Some(old) = old.filter(|old| old.b4() == softwire.b4()) {
                    softwire.renumber(old.id());
                    softwire.mark_path_mtu(old.path_mtu());
                    numbering.keep(old.id());
                } else {
                    let id = self.editor.workshop.ids.take();
                    let id = id.ok_or_else(|| self.editor.full())?;
                    softwire.renumber(id);
                    numbering.new.push(id);
                }
            }
        }
        Ok(())
    }

    /// Adds the softwires that stay to the new table.
    fn join(
        &self,
        table: &Table,
        editor: &mut Editor,
        replace: Replace,
        numbering: &mut Numbering,
    ) -> Result<(), Refusal> {
        for row in self.iter() {
            if replace != Replace::All && replace != Replace::Origin(row.origin) {
                editor.adopt(table, &row)?;
                editor.workshop.recycle_all();
                numbering.keep(row.id);
            }
        }
        Ok(())
    }
}

/// Which numbers live on, and which are taken anew.
struct Numbering {
    kept: Vec<u64>,
    new: Vec<SoftwireId>,
}

impl Numbering {
    fn new(end: u32) -> Self {
        Self {
            kept: vec![0; end as usize / 64 + 1],
            new: Vec::new(),
        }
    }

    fn keep(&mut self, id: SoftwireId) {
        self.kept[id.index() / 64] |= 1 << (id.index() % 64);
    }

    fn keeps(&self, id: SoftwireId) -> bool {
        self.kept[id.index() / 64] >> (id.index() % 64) & 1 != 0
    }
}
