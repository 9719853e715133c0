//! The stores of each format version that every later version must open or refuse clearly.

use std::fs;
use std::path::{Path, PathBuf};

use throng::import::{
    AttributeOptions, EventOptions, EventSource, NewBehaviours, load_attributes, load_events,
};
use throng::{CreateOptions, Database, Date, Event, EventBatch, When};

/// What they are asked.
pub const STATEMENTS: [&str; 12] = [
    "COUNT",
    "COUNT BY estee.stage",
    "COUNT BY estee.stage AS OF '2017-10-01', lancome.stage",
    "SUM estee.spend BY city",
    "SUM ANY BRAND.spend EVERY 30 DAYS FROM '2017-08-01' TO '2017-12-31'",
    "COUNT WHERE estee DID view IN LAST 120 DAYS VIA 'live', 'shop'",
    "COUNT WHERE AUDIENCE kept AND NOT AUDIENCE warm",
    "COUNT BY member, estee.level",
    "PROFILE WHERE estee DID buy VERSUS lancome DID buy BY city, member",
    "OVERLAP estee, lancome",
    "COUNT WHERE score >= 50 AND NOT member = TRUE",
    "CONSUMER 'id:u7' FOR estee",
];

/// The stores that are checked in, the newest last: in `v2` segments have version 2.
pub const CHECKED_IN: [&str; 2] = ["v1", "v2"];

/// Where one is checked in.
#[must_use]
pub fn checked_in(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(version)
}

/// Copies one, so that it can be opened.
pub fn copy_to(version: &str, dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for entry in fs::read_dir(checked_in(version).join("store")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
    }
}

/// What a store answers to each statement, errors included.
#[must_use]
pub fn answers(database: &Database) -> String {
    let mut out = String::new();
    for statement in STATEMENTS {
        out.push_str(&format!("== {statement}\n"));
        match database.query(statement) {
            Ok(answer) => {
                for row in &answer.rows {
                    let cells: Vec<String> = row.iter().map(|cell| format!("{cell}")).collect();
                    out.push_str(&cells.join(" | "));
                    out.push('\n');
                }
            }
            Err(error) => out.push_str(&format!("error: {error}\n")),
        }
    }
    out
}

/// Makes the store anew: events with all columns in bulk and in batches, attributes of every type,
/// audiences, models, and batches that are only in the log.
pub fn make(dir: &Path) -> Database {
    let database = Database::create(dir, &CreateOptions::default()).unwrap();
    let options = EventOptions { new_behaviours: NewBehaviours::Add, ..EventOptions::default() };
    load_events(&database, stream(events(0..700)), &options, &mut |_| {}).unwrap();
    ingest(&database, 700..760, Some("first"));
    for statement in [
        "CREATE OR REPLACE BRAND estee TARGET CATEGORIES ('skin care')",
        "CREATE AUDIENCE warm AS estee.stage IN (A, I)",
        "CREATE FROZEN AUDIENCE kept AS estee DID buy AS OF '2017-10-01'",
        "CREATE MODEL simple AS STAGE bought WHEN DID buy, STAGE seen WHEN DID ANY",
    ] {
        database.query(statement).unwrap();
    }
    database.store().checkpoint().unwrap();
    let options = AttributeOptions::default();
    load_attributes(&database, stream(attributes()), &options, &mut |_| {}).unwrap();
    let options = AttributeOptions { brand: Some("estee".to_owned()), ..options };
    load_attributes(&database, stream(levels()), &options, &mut |_| {}).unwrap();
    ingest(&database, 760..800, None);
    database.store().checkpoint().unwrap();
    database.query("CREATE AUDIENCE late AS lancome DID buy").unwrap();
    ingest(&database, 800..830, Some("last"));
    ingest(&database, 830..840, None);
    database
}

/// Goes on with it: a checkpoint, a bulk load, and a log again.
pub fn grow(database: &Database) {
    ingest(database, 840..870, None);
    database.store().checkpoint().unwrap();
    let options = EventOptions { new_behaviours: NewBehaviours::Add, ..EventOptions::default() };
    load_events(database, stream(events(870..1_000)), &options, &mut |_| {}).unwrap();
    database.query("CREATE FROZEN AUDIENCE more AS lancome DID ANY").unwrap();
    ingest(database, 1_000..1_030, Some("more"));
}

fn stream(text: String) -> EventSource {
    EventSource::Stream {
        name: "fixture".to_owned(),
        reader: Box::new(std::io::Cursor::new(text.into_bytes())),
    }
}

const BRANDS: [&str; 3] = ["estee", "lancome", "\"雅诗, 兰黛\""];
const BEHAVIOURS: [&str; 8] =
    ["view", "buy", "cart", "exposure", "click", "favorite", "join", "tasted"];
const TOUCHPOINTS: [&str; 4] = ["live", "search_ad", "", "shop"];
const CATEGORIES: [&str; 3] = ["skin care", "", "make-up"];

/// A number that follows from another, the same for ever.
fn drawn(n: u64, of: u64) -> u64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % of
}

fn pick<'t>(all: &[&'t str], n: u64) -> &'t str {
    let at = usize::try_from(drawn(n, all.len() as u64)).unwrap();
    all[at]
}

/// Events as CSV.
#[must_use]
pub fn events(range: std::ops::Range<u64>) -> String {
    let mut out =
        "consumer,brand,behaviour,time,touchpoint,category,item,order,count,amount\n".to_owned();
    for n in range {
        let behaviour = pick(&BEHAVIOURS, n + 11);
        let (month, day) = (8 + drawn(n + 3, 5), 1 + drawn(n + 5, 28));
        let (hour, minute) = (drawn(n + 7, 24), drawn(n + 8, 60));
        let bought = behaviour == "buy";
        let (consumer, brand) = (drawn(n + 1, 150), pick(&BRANDS, n + 2));
        let time = format!("2017-{month:02}-{day:02} {hour:02}:{minute:02}:07");
        let (touchpoint, category) = (pick(&TOUCHPOINTS, n + 4), pick(&CATEGORIES, n + 6));
        let item = if n % 3 == 0 { String::new() } else { format!("item{}", drawn(n, 40)) };
        let order = if bought { format!("order{n}") } else { String::new() };
        let amount =
            if bought { format!("{}.{:02}", drawn(n, 900), n % 100) } else { String::new() };
        let count = 1 + drawn(n + 9, 3);
        let head = format!("u{consumer},{brand},{behaviour},{time},{touchpoint},{category}");
        out.push_str(&format!("{head},{item},{order},{count},{amount}\n"));
    }
    out
}

/// Attributes of every type as CSV: some consumers are known by them only.
#[must_use]
pub fn attributes() -> String {
    let mut out = "consumer,city,member,score,rate,joined\n".to_owned();
    for n in 0..170 {
        let city = pick(&["上海", "beijing", "", "chengdu"], n);
        let member = pick(&["true", "false", ""], n + 1);
        let joined = if n % 4 == 0 { String::new() } else { format!("2016-{:02}-11", 1 + n % 12) };
        let (score, cents) = (drawn(n, 100), n % 100);
        out.push_str(&format!("u{n},{city},{member},{score},{}.{cents:02},{joined}\n", n % 9));
    }
    out
}

fn levels() -> String {
    let mut out = "consumer,level\n".to_owned();
    (0..60).for_each(|n| out.push_str(&format!("u{},{}\n", n * 2, pick(&["gold", "silver"], n))));
    out
}

fn ingest(database: &Database, range: std::ops::Range<u64>, token: Option<&str>) {
    let mut batch = EventBatch::new();
    for n in range {
        let consumer = format!("id:u{}", drawn(n + 1, 160));
        let at = When::day(Date(17_400 + i32::try_from(drawn(n, 90)).unwrap()));
        let event = Event::new(&consumer, pick(&BRANDS[..2], n), pick(&BEHAVIOURS, n), at);
        let order = format!("late{n}");
        let (touchpoint, category) = (Some("live"), Some("skin care"));
        let order = Some(order.as_str());
        batch.push(&Event { touchpoint, category, order, count: 2, amount: 1_234, ..event });
    }
    let _ = database.ingest(&batch, token).unwrap();
}
