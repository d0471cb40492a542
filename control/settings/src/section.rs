//! Reading a TOML table key by key.
//!
//! A [`Section`] hands out each key once, already turned into a valid type, and collects what was wrong
//! with its place. What nobody asked for is an unknown key. So one pass reports every independent fault,
//! and no half-checked form of the configuration exists.
//!
//! Values come as `Option`: `None` says that a fault has been recorded, never that a key is absent.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use super::fault::ConfigError;
use super::fault::Fault;

/// The file being read and what was found wrong with it.
#[derive(Debug)]
pub struct Source<'s> {
    file: &'s Path,
    text: &'s str,
    /// Where each line begins, in octets.
    lines: Vec<usize>,
    errors: RefCell<Vec<ConfigError>>,
    /// Every key asked for, so that a test can prove the example complete.
    asked: RefCell<BTreeSet<String>>,
}

impl<'s> Source<'s> {
    /// The `text` of `file`.
    #[must_use]
    pub fn new(file: &'s Path, text: &'s str) -> Self {
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0)
            .chain(ends.map(|(end, _)| end + 1))
            .collect();
        Self {
            file,
            text,
            lines,
            errors: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// The outermost table of the file, or nothing when it is not TOML.
    pub fn parse(&self) -> Option<Spanned<DeTable<'s>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let message = error.message().replace('\n', ", ");
            self.record(String::new(), error.span(), Fault::Syntax(message));
        }
        errors.is_empty().then_some(table)
    }

    /// What was wrong, in the order of discovery.
    #[must_use]
    pub fn into_errors(self) -> Vec<ConfigError> {
        self.errors.into_inner()
    }

    /// Every key asked for, dotted and without positions in lists: what an example file has to have.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    fn record(&self, key: String, span: Option<Range<usize>>, fault: Fault) {
        let line = span.map(|span| self.line(span.start));
        self.errors.borrow_mut().push(ConfigError {
            file: self.file.to_owned(),
            line,
            key,
            fault,
        });
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset)
    }
}

/// One table of the file. An absent table reads like an empty one.
#[derive(Debug)]
pub struct Section<'t> {
    source: &'t Source<'t>,
    table: Option<&'t DeTable<'t>>,
    path: String,
    span: Option<Range<usize>>,
    known: Vec<&'static str>,
    /// Keys that are known, but as what cannot be had.
    refused: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// The outermost table.
    #[must_use]
    pub fn root(source: &'t Source<'t>, table: &'t DeTable<'t>) -> Self {
        Self {
            source,
            table: Some(table),
            path: String::new(),
            span: None,
            known: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Whether a key is there, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether a key is there with a list as its value.
    #[must_use]
    pub fn is_list(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.get(key));
        value.is_some_and(|value| value.get_ref().is_array())
    }

    /// Whether a key is there with a table as its value.
    #[must_use]
    pub fn is_table(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.get(key));
        value.is_some_and(|value| value.get_ref().is_table())
    }

    /// The value of a key that may be absent.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        let Some((_, value)) = self.entry(key) else {
            return Some(None);
        };
        self.parsed(self.key(key), value, parse).map(Some)
    }

    /// The value of a key that has a default.
    pub fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        self.optional(key, parse)
            .map(|value| value.unwrap_or(default))
    }

    /// The value of a key that must be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        let value = self.optional(key, parse)?;
        if value.is_none() {
            self.fault(key, Fault::Missing { expected });
        }
        value
    }

    /// The values of a list, each with its line; an absent list is empty.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let Some((_, value)) = self.entry(key) else {
            return Some(Vec::new());
        };
        let elements = self.elements(key, value)?;
        let values = elements.iter().enumerate();
        let values: Vec<_> = values
            .map(|(n, element)| self.parsed(format!("{}[{n}]", self.key(key)), element, &parse))
            .collect();
        values.into_iter().collect()
    }

    /// The table under `key`.
    pub fn section(&mut self, key: &'static str) -> Section<'t> {
        let (span, table) = match self.entry(key) {
            None => (None, None),
            Some((span, value)) => (Some(span), self.table_of(self.key(key), value)),
        };
        Section {
            source: self.source,
            table,
            path: self.key(key),
            span,
            known: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The tables of the list under `key`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'t>> {
        let Some((_, value)) = self.entry(key) else {
            return Vec::new();
        };
        let elements = self.elements(key, value).into_iter().flatten().enumerate();
        elements
            .filter_map(|(n, element)| {
                let path = format!("{}[{n}]", self.key(key));
                let table = self.table_of(path.clone(), element)?;
                let span = Some(element.span());
                Some(Section {
                    source: self.source,
                    table: Some(table),
                    path,
                    span,
                    known: Vec::new(),
                    refused: Vec::new(),
                })
            })
            .collect()
    }

    /// Refuses a key that belongs to the product but not to this version.
    pub fn unsupported(&mut self, key: &'static str, name: &'static str) {
        if self.entry(key).is_some() {
            self.fault(key, Fault::Unsupported(name));
        }
        self.known.retain(|known| *known != key);
        self.refused.push(key);
    }

    /// Records a fault at `key`, or at the section when the key is absent.
    pub fn fault(&self, key: &str, fault: impl Into<Fault>) {
        self.fault_at(key, None, fault);
    }

    /// Records a fault at the element `position` of the list `key`.
    pub fn fault_at(&self, key: &str, position: Option<usize>, fault: impl Into<Fault>) {
        let entry = self.table.and_then(|table| table.get_key_value(key));
        let element = entry
            .zip(position)
            .and_then(|((_, value), n)| value.get_ref().get(n));
        let span = element
            .map(Spanned::span)
            .or(entry.map(|(key, _)| key.span()));
        let path = match position {
            Some(n) => format!("{}[{n}]", self.key(key)),
            None => self.key(key),
        };
        self.source
            .record(path, span.or(self.span.clone()), fault.into());
    }

    /// Line of the section's beginning, counted from 1.
    pub fn line(&self) -> usize {
        self.span
            .as_ref()
            .map_or(1, |span| self.source.line(span.start))
    }

    /// Refuses what nobody asked for.
    pub fn finish(self) {
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        for key in keys.filter(|key| !self.reads(key.get_ref())) {
            let known = self.known.clone();
            let path = self.key(key.get_ref());
            self.source
                .record(path, Some(key.span()), Fault::Unknown { known });
        }
    }

    fn reads(&self, key: &str) -> bool {
        self.known.contains(&key) || self.refused.contains(&key)
    }

    fn entry(&mut self, key: &'static str) -> Option<(Range<usize>, &'t Spanned<DeValue<'t>>)> {
        self.known.push(key);
        self.source
            .asked
            .borrow_mut()
            .insert(without_positions(&self.key(key)));
        let (name, value) = self.table?.get_key_value(key)?;
        Some((name.span(), value))
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn parsed<T>(
        &self,
        path: String,
        value: &Spanned<DeValue<'_>>,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        parse(value.get_ref())
            .map_err(|fault| self.source.record(path, Some(value.span()), fault))
            .ok()
    }

    fn elements(
        &self,
        key: &'static str,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Option<&'t [Spanned<DeValue<'t>>]> {
        let array = value.get_ref().as_array();
        if array.is_none() {
            self.fault(key, unexpected(value.get_ref(), "a list"));
        }
        array.map(|array| &array[..])
    }

    fn table_of(&self, path: String, value: &'t Spanned<DeValue<'t>>) -> Option<&'t DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let fault = unexpected(value.get_ref(), "a table");
            self.source.record(path, Some(value.span()), fault);
        }
        table
    }
}

/// The fault of a value that is not what was expected.
pub fn unexpected(value: &DeValue<'_>, expected: &'static str) -> Fault {
    Fault::Unexpected {
        found: shown(value),
        expected,
    }
}

/// A value as the operator wrote it, as far as it fits a line.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn without_positions(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        path + part.split_once(']').map_or("", |(_, rest)| rest)
    })
}
