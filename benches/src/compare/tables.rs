//! What was found, as tables.

use serde_json::Value;

use super::plot::{GROWTHS, points};
use crate::capacity::short;
use crate::chart::{grouped, slope};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Some times as many; nothing where there is nothing to compare with.
fn ratio(of: f64, to: f64) -> String {
    if to > 0.0 { format!("{:.2}", of / to) } else { String::new() }
}

/// A time that is shown with as many digits as it is exact to.
fn ms(value: f64) -> String {
    grouped(value, if value < 10.0 { 2 } else { 1 })
}

/// A table with a head and rows of cells.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for cells in rows {
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}

/// The machine, what Throng uses of it, and the versions.
pub(super) fn systems(machine: &Value, versions: &Value) -> String {
    let kernels = match text(&machine["kernels"]) {
        "avx512" => "AVX-512",
        "avx2" => "AVX2",
        _ => "portable",
    };
    let mut out = format!(
        "Machine: {}; kernels in use: {kernels}. Throng {}",
        text(&machine["machine"]),
        env!("CARGO_PKG_VERSION"),
    );
    for (name, version) in versions.as_object().into_iter().flatten() {
        out += &format!(", {name} {}", text(version));
    }
    if machine.is_null() { "Nothing is measured yet.".to_owned() } else { out + "." }
}

pub(super) fn load(found: &Value) -> String {
    let (events, own) = (number(&found["events"]), number(&found["ms"]["Throng"]));
    let systems = ["Throng", "DuckDB", "ClickHouse"].map(|system| {
        let taken = number(&found["ms"][system]);
        let rate = grouped(events / (taken / 1e3).max(1e-9), 0);
        vec![system.to_owned(), format!("{:.1}", taken / 1e3), rate, ratio(taken, own)]
    });
    format!(
        "Loading {} events from a CSV of {:.2} GB:\n\n{}\n\
         Opening that store: {:.1} ms. Its size: {:.2} bytes per event, dictionary included.\n",
        grouped(events, 0),
        number(&found["csv_bytes"]) / 1e9,
        table(&["system", "seconds", "events/s", "against Throng"], systems),
        number(&found["open_ms"]),
        number(&found["store_bytes"]) / events.max(1.0),
    )
}

pub(super) fn ask(found: &Value) -> String {
    let events = number(&found["events"]);
    let asked = rows(&found["questions"]).map(|row| {
        let own = number(&row["ms"]);
        let mut cells = vec![text(&row["name"]).to_owned(), ms(own)];
        let peers = ["ClickHouse", "DuckDB"].map(|peer| number(&row["peers"][peer]));
        cells.extend(peers.map(ms));
        cells.extend(peers.map(|peer| ratio(peer, own)));
        cells.push(ms(number(&row["memo"])));
        cells
    });
    let head = [
        "question",
        "Throng",
        "ClickHouse",
        "DuckDB",
        "ClickHouse / Throng",
        "DuckDB / Throng",
        "Throng, asked before",
    ];
    let mut out = format!(
        "{} events, medians of {} in milliseconds:\n\n{}",
        grouped(events, 0),
        found["rounds"],
        table(&head, asked)
    );
    let trend = number(&found["trend_ms"]);
    let largest = rows(&found["questions"]).find(|row| text(&row["name"]) == "aipl largest");
    if let Some(row) = largest {
        let own = number(&row["ms"]);
        out += &format!(
            "\nThe same AIPL of the largest brand on each of 90 days takes Throng {} ms, {} times \
             one day.\n",
            ms(trend),
            ratio(trend, own)
        );
        let (wide, taken) = (&found["wide"], number(&row["peers"]["DuckDB, wide table"]));
        out += &format!(
            "\nDuckDB on a wide table of {} consumers of the largest brand, made for the last day \
             in {:.1} s, {:.1} MB: {} ms,\n{} times Throng's {} ms. It can answer for that day \
             and that brand only.\n",
            grouped(number(&wide["rows"]), 0),
            number(&wide["seconds"]),
            number(&wide["bytes"]) / 1e6,
            ms(taken),
            ratio(taken, own),
            ms(own)
        );
    }
    out + "\n" + &bytes("On disk, bytes per event", found)
}

/// Bytes per event of each system.
fn bytes(what: &str, found: &Value) -> String {
    let events = number(&found["events"]).max(1.0);
    let of = |system| number(&found["bytes"][system]) / events;
    format!(
        "{what}: Throng {:.2} (dictionary apart), ClickHouse {:.2}, DuckDB {:.2}.\n",
        of("Throng"),
        of("ClickHouse"),
        of("DuckDB")
    )
}

pub(super) fn seconds(found: &Value) -> String {
    let events = grouped(number(&found["events"]), 0);
    bytes(&format!("{events} events with the second of each, merged, bytes per event"), found)
}

pub(super) fn sets(found: &Value) -> String {
    let all: Vec<&Value> = rows(&found["rows"]).collect();
    let asked = all.iter().map(|row| {
        let own = all.iter().find(|other| other["question"] == row["question"]);
        let (taken, own) = (number(&row["ms"]), own.map_or(0.0, |own| number(&own["ms"])));
        let name = |key: &str| text(&row[key]).to_owned();
        vec![name("question"), name("system"), ms(taken), ratio(taken, own)]
    });
    format!(
        "{} consumers, medians of {}:\n\n{}",
        grouped(number(&found["consumers"]), 0),
        found["rounds"],
        table(&["question", "system", "ms", "against Throng"], asked)
    )
}

pub(super) fn valuation(found: &Value, events: u64) -> String {
    let asked = rows(found).map(|row| {
        let (taken, base) = (number(&row["ms"]), number(&row["base_ms"]));
        vec![
            text(&row["question"]).to_owned(),
            ms(taken),
            text(&row["base"]).to_owned(),
            ms(base),
            ratio(taken, base),
            format!("{}", number(&row["wanted"])),
        ]
    });
    let head = ["question", "ms", "against", "ms", "times as long", "wanted at most"];
    format!("{} events, nothing remembered:\n\n{}", short(events), table(&head, asked))
}

/// A table for each thing that times grow with: times, bytes touched, and exponents.
pub(super) fn growth(found: &Value) -> String {
    let mut out = String::new();
    for (over, title) in GROWTHS {
        let lines = points(found, over);
        let Some((_, first)) = lines.first() else { continue };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let marks = first.iter().map(|point| short(point.x as u64));
        let mut head = vec![title.to_owned()];
        head.extend(marks);
        head.extend(["growth".to_owned(), "growth over bytes".to_owned()]);
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let exponent = |points: Vec<(f64, f64)>| {
            slope(&points).map_or(String::new(), |slope| format!("{slope:.2}"))
        };
        let rows = lines.iter().flat_map(|(name, points)| {
            let mut times = vec![format!("{name}, ms")];
            times.extend(points.iter().map(|point| ms(point.ms)));
            times.push(exponent(points.iter().map(|point| (point.x, point.ms)).collect()));
            times.push(exponent(points.iter().map(|point| (point.bytes, point.ms)).collect()));
            let mut touched = vec![format!("{name}, MB touched")];
            touched.extend(points.iter().map(|point| grouped(point.bytes / 1e6, 2)));
            touched.push(exponent(points.iter().map(|point| (point.x, point.bytes)).collect()));
            touched.push(String::new());
            [times, touched]
        });
        out += &table(&head, rows);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{growth, load, ratio, sets, systems, table};

    #[test]
    fn tables_have_heads_and_rows() {
        let text = table(&["a", "b"], [vec!["1".to_owned(), "2".to_owned()]]);
        assert_eq!(text, "| a | b |\n|---|---|\n| 1 | 2 |\n");
        assert_eq!((ratio(3.0, 2.0).as_str(), ratio(1.0, 0.0).as_str()), ("1.50", ""));
    }

    #[test]
    fn ratios_are_against_throng() {
        let text = load(&json!({
            "events": 1_000_000, "csv_bytes": 5e7, "open_ms": 2.0, "store_bytes": 3_000_000,
            "ms": { "Throng": 500.0, "DuckDB": 1_000.0, "ClickHouse": 250.0 },
        }));
        assert!(text.contains("| Throng | 0.5 | 2,000,000 | 1.00 |"), "{text}");
        assert!(text.contains("| DuckDB | 1.0 | 1,000,000 | 2.00 |"), "{text}");
        assert!(text.contains("| ClickHouse | 0.2 | 4,000,000 | 0.50 |"), "{text}");
        assert!(text.contains("3.00 bytes per event"), "{text}");
        let row = |system, ms| json!({ "question": "q", "system": system, "ms": ms });
        let text = sets(&json!({
            "consumers": 9, "rounds": 1, "rows": [row("Throng", 2.0), row("other", 5.0)],
        }));
        assert!(text.contains("| q | other | 5.00 | 2.50 |"), "{text}");
    }

    #[test]
    fn growth_is_an_exponent_over_sizes_and_over_bytes() {
        let point = |x: f64, ms: f64, bytes: f64| {
            let mut row = json!({ "over": "events", "question": "q", "ms": ms });
            row["x"] = x.into();
            row["bytes"] = bytes.into();
            row
        };
        let text =
            growth(&json!([point(1e6, 1.0, 1e3), point(1e7, 10.0, 1e5), point(1e8, 100.0, 1e7)]));
        assert!(text.contains("| q, ms | 1.00 | 10.0 | 100.0 | 1.00 | 0.50 |"), "{text}");
        assert!(text.contains("| q, MB touched | 0.00 | 0.10 | 10.00 | 2.00 |  |"), "{text}");
        assert!(text.contains("| events | 1 M | 10 M | 100 M |"), "{text}");
    }

    #[test]
    fn the_systems_are_told_with_their_versions() {
        let text = systems(
            &json!({ "machine": "a chip, 2 cores", "kernels": "avx2" }),
            &json!({ "DuckDB": "2.0.0" }),
        );
        assert!(text.contains("a chip, 2 cores; kernels in use: AVX2."), "{text}");
        assert!(text.ends_with(", DuckDB 2.0.0."), "{text}");
    }
}
