//! Values for people: whatever the daemon says, as tables that fit 80 columns.

use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets;
use serde_json::Map;
use serde_json::Value;

/// A value as a table: a list of objects has a row each, an object a row a member.
#[must_use]
pub fn table_of(value: &Value) -> Table {
    let mut table = empty();
    match value {
        Value::Array(rows) => list(&mut table, rows),
        Value::Object(members) => object(&mut table, members, ""),
        other => drop(table.add_row([text(other)])),
    }
    table
}

/// An object, or a list of them one below the other, each member in a row.
#[must_use]
pub fn blocks_of(value: &Value) -> Table {
    let mut table = empty();
    match value {
        Value::Array(rows) => blocks(&mut table, rows),
        Value::Object(members) => object(&mut table, members, ""),
        other => drop(table.add_row([text(other)])),
    }
    table
}

/// A table without rows.
#[must_use]
pub fn empty() -> Table {
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

/// A value in one cell.
#[must_use]
pub fn text(value: &Value) -> String {
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

/// Columns of the narrowest terminal that people use.
pub const WIDTH: u16 = 80;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_members_are_named_by_their_path() {
        let value = json!({ "state": "BOUND", "sets": { "free_ports": 7, "none": null } });
        let table = table_of(&value).to_string();
        let lines: Vec<_> = table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        let words: Vec<Vec<_>> = lines
            .iter()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            words,
            [
                ["state", "BOUND"],
                ["sets: free ports", "7"],
                ["sets: none", "-"]
            ]
        );
    }

    #[test]
    fn a_list_has_a_row_each_below_its_members_names() {
        let value = json!([{ "host": "192.0.2.1", "free_ports": 7 }, { "host": "192.0.2.2", "free_ports": 8 }]);
        let table = table_of(&value).to_string();
        assert_eq!(table.lines().count(), 3);
        assert!(table.lines().next().unwrap().contains("free ports"));
    }
}
