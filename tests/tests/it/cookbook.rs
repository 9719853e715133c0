//! Every statement of `docs/cookbook.md`, on the invented market that it is written for.

use std::ops::ControlFlow;

use throng::market::{Market, MarketOptions};
use throng::query::split_statements;
use throng::{CreateOptions, Database, Value};

const COOKBOOK: &str = include_str!("../../../docs/cookbook.md");

#[test]
fn every_statement_of_the_cookbook_answers() {
    let options =
        MarketOptions { consumers: 8_000, brands: 12, events: 240_000, ..MarketOptions::default() };
    let dir = tempfile::tempdir().unwrap();
    let db = Database::create(dir.path(), &CreateOptions::default()).unwrap();
    let market = Market::new(options).unwrap();
    market.load(&db, 2, 1 << 24, &mut |_| {}).unwrap();
    let _ = db.compact(&mut |_| ControlFlow::Continue(())).unwrap();
    let (mut count, mut with_rows) = (0, 0);
    for block in COOKBOOK.split("```sql\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for range in split_statements(block) {
            let statement = &block[range];
            let answer = db.query(statement).unwrap_or_else(|error| panic!("{}", error.render()));
            count += 1;
            with_rows += usize::from(!answer.rows.is_empty());
            for value in answer.rows.iter().flatten() {
                let is_fine = !matches!(value, Value::Double(number) if !number.is_finite());
                assert!(is_fine, "{statement}");
            }
        }
    }
    assert!(count >= 25 && with_rows >= 20, "{count} statements, {with_rows} with rows");
}
