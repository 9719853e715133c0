//! Saved audiences, who brands share, and one person's match.
//!
//! `cargo run -p throng --example segments`

use std::error::Error;

use throng::{CreateOptions, Database, Date, Event, EventBatch, When};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let database = Database::create(&dir.path().join("store"), &CreateOptions::default())?;
    database.ingest(&festival()?, None)?;

    for statement in [
        "CREATE AUDIENCE hesitating AS oppo DID cart IN LAST 7 DAYS AND NOT oppo DID buy",
        "CREATE FROZEN AUDIENCE buyers AS oppo.stage IN (P, L) AS OF '2017-11-11'",
        "SHOW AUDIENCES",
        "COUNT WHERE AUDIENCE hesitating AND NOT vivo DID buy",
        "COUNT BY AUDIENCE buyers, oppo.stage AS OF '2017-11-30'",
        "OVERLAP oppo, vivo, honor",
        "OVERLAP (AUDIENCE buyers), (vivo.stage = P), (honor.stage = P) REGIONS",
        "MATCH CONSUMER 'u12' AGAINST AUDIENCE hesitating, buyers",
    ] {
        println!("\n{statement}");
        let answer = database.query(statement)?;
        if answer.columns.is_empty() {
            println!("  {}", answer.tag);
            continue;
        }
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        println!("  {}", names.join(" | "));
        for row in &answer.rows {
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            println!("  {}", values.join(" | "));
        }
    }
    Ok(())
}

/// A thousand people and three brands around 2017-11-11, by a rule that is easy to follow.
fn festival() -> Result<EventBatch, Box<dyn Error>> {
    let festival: Date = "2017-11-11".parse()?;
    let mut batch = EventBatch::new();
    for person in 0..1_000_u32 {
        let consumer = format!("u{person}");
        for (brand, share) in [("oppo", 2), ("vivo", 3), ("honor", 5)] {
            if person % share != 0 {
                continue;
            }
            let before = festival.plus_days(-i32::try_from(person % 10)?);
            batch.push(&Event::new(&consumer, brand, "cart", When::day(before)));
            if person % 4 == 0 {
                let order = format!("{brand}-{person}");
                batch.push(&Event {
                    order: Some(&order),
                    amount: 199_900,
                    ..Event::new(&consumer, brand, "buy", When::day(festival))
                });
            }
        }
    }
    Ok(batch)
}
