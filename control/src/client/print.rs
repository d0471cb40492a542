//! Values that the lwAFTR alone has, for people.

use comfy_table::CellAlignment;
use comfy_table::ColumnConstraint;
use comfy_table::Table;
use lwaftr_dataplane::drop_reason::DropReason;
use operator::table;
use serde_json::Map;
use serde_json::Value;

/// Counters of drops, each with what it counts.
pub(super) fn table_of_drops(drops: &Map<String, Value>) -> Table {
    let mut table = table::empty();
    for (name, value) in drops {
        // A daemon of another version may know reasons that this client does not.
        let reason = DropReason::ALL.iter().find(|reason| reason.name() == name);
        let meaning = reason.map_or("", |reason| reason.meaning());
        table.add_row([name.clone(), table::text(value), meaning.to_owned()]);
    }
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    if let Some(counts) = table.column_mut(1) {
        counts.set_cell_alignment(CellAlignment::Right);
    }
    table
}

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
        let shown = table_of_drops(&drops.collect()).to_string();
        for line in shown.lines() {
            assert!(line.chars().count() <= usize::from(table::WIDTH), "{line}");
        }
        for reason in DropReason::ALL {
            assert!(shown.contains(reason.name()), "{shown}");
        }
    }
}
