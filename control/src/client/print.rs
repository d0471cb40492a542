//! Values for people: whatever the daemon says, as tables that fit 80 columns.

use comfy_table::CellAlignment;
use comfy_table::ColumnConstraint;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets;
use lwaftr_dataplane::drop_reason::DropReason;
use serde_json::Map;
use serde_json::Value;

/// A value as a table: a list of objects has a row each, an object a row a member.
pub(super) fn table_of(value: &Value) -> Table {
    let mut table = empty();
    match value {
        Value::Array(rows) => list(&mut table, rows),
        Value::Object(members) => object(&mut table, members, ""),
        other => drop(table.add_row([text(other)])),
    }
    table
}

/// An object, or a list of them one below the other, each member in a row.
pub(super) fn blocks_of(value: &Value) -> Table {
    let mut table = empty();
    match value {
        Value::Array(rows) => blocks(&mut table, rows),
        Value::Object(members) => object(&mut table, members, ""),
        other => drop(table.add_row([text(other)])),
    }
    table
}

/// Counters of drops, each with what it counts.
pub(super) fn table_of_drops(drops: &Map<String, Value>) -> Table {
    let mut table = empty();
    for (name, value) in drops {
        // A daemon of another version may know reasons that this client does not.
        let reason = DropReason::ALL.iter().find(|reason| reason.name() == name);
        let meaning = reason.map_or("", |reason| reason.meaning());
        table.add_row([name.clone(), text(value), meaning.to_owned()]);
    }
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    if let Some(counts) = table.column_mut(1) {
        counts.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table
}

/// Rows that hold lists of their own are too wide to stand in a line each.
fn list(table: &mut Table, rows: &[Value]) {
    let mut members = rows.iter().filter_map(Value::as_object);
    if members.any(|members| members.values().any(Value::is_array)) {
        return blocks(table, rows);
    }
    if let Some(Value::Object(first)) = rows.first() {
        table.set_header(first.keys().map(|name| name.replace('_', " ")));
    }
    for row in rows {
        match row {
            Value::Object(members) => table.add_row(members.values().map(text)),
            other => table.add_row([text(other)]),
        };
    }
}

/// One row below the other, with a line between them.
fn blocks(table: &mut Table, rows: &[Value]) {
    for (index, members) in rows.iter().filter_map(Value::as_object).enumerate() {
        if index > 0 {
            table.add_row([""]);
        }
        object(table, members, "");
    }
}

/// Members of members are named by their path.
fn object(table: &mut Table, members: &Map<String, Value>, path: &str) {
    for (name, value) in members {
        let name = format!("{path}{}", name.replace('_', " "));
        match value {
            Value::Object(below) => object(table, below, &format!("{name}: ")),
            value => drop(table.add_row([name, text(value)])),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) if !values.iter().any(Value::is_object) => {
            values.iter().map(text).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

const WIDTH: u16 = 80;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn drops_are_shown_with_their_meaning_as_far_as_it_is_known() {
        let drops = json!({ "drop-wrong-mac": 12, "drop-of-tomorrow": 3 });
        let table = table_of_drops(drops.as_object().unwrap()).to_string();
        let lines: Vec<_> = table.lines().map(str::split_whitespace).collect();
        let words: Vec<Vec<_>> = lines.into_iter().map(Iterator::collect).collect();
        let meaning = DropReason::WrongMac.meaning();
        assert_eq!(words[0][..2], ["drop-wrong-mac", "12"]);
        assert_eq!(words[0][2..].join(" "), meaning);
        assert_eq!(words[1], ["drop-of-tomorrow", "3"]);
    }

    #[test]
    fn every_drop_fits_the_width_whatever_its_count() {
        let drops = DropReason::ALL
            .iter()
            .map(|reason| (reason.name().to_owned(), json!(u64::MAX)));
        let table = table_of_drops(&drops.collect()).to_string();
        for line in table.lines() {
            assert!(line.chars().count() <= usize::from(WIDTH), "{line}");
        }
        for reason in DropReason::ALL {
            assert!(table.contains(reason.name()), "{table}");
        }
    }
}
