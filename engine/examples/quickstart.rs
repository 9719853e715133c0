//! A store from nothing: events in, stages out.
//!
//! `cargo run -p throng --example quickstart`

use std::error::Error;

use throng::{CreateOptions, Database, Event, EventBatch, When};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let database = Database::create(&dir.path().join("store"), &CreateOptions::default())?;

    let day = |text: &str| text.parse().map(When::day);
    let mut batch = EventBatch::new();
    batch.push(&Event::new("taobao:u1", "estee", "view", day("2017-11-01")?));
    batch.push(&Event {
        order: Some("o1"),
        item: Some("serum-50ml"),
        touchpoint: Some("live"),
        amount: 59_900,
        ..Event::new("taobao:u1", "estee", "buy", day("2017-11-11")?)
    });
    batch.push(&Event::new("taobao:u2", "estee", "cart", day("2017-11-10")?));
    batch.push(&Event::new("taobao:u3", "estee", "exposure", day("2017-11-11")?));
    batch.push(&Event::new("taobao:u3", "lancome", "buy", day("2017-11-11")?));
    // On return the batch is durable. With a token it may be sent again: it counts once.
    database.ingest(&batch, Some("first batch"))?;
    database.ingest(&batch, Some("first batch"))?;

    for statement in [
        "COUNT BY estee.stage",
        "COUNT BY estee.stage AS OF '2017-11-10', estee.stage AS OF '2017-11-11'",
        "SUM estee.spend IN LAST 30 DAYS",
        "CONSUMER 'taobao:u1' FOR estee",
    ] {
        println!("\n{statement}");
        let answer = database.query(statement)?;
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        println!("  {}", names.join(" | "));
        for row in &answer.rows {
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            println!("  {}", values.join(" | "));
        }
    }
    Ok(())
}
