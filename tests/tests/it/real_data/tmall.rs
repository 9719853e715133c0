//! The log of Tmall's brand recommendation contest: clicks, carts, favourites and buys, whose dates
//! have no year. It is taken as 2013.

use throng::Database;

use super::source::{Names, Sides, bare_world, event, folder, largest, rows};
use crate::command::run;
use crate::oracle::sqlite::Twin;

/// 2013-01-01.
const YEAR_DAY: i32 = 15_706;
const MONTH_STARTS: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

fn day_of(date: &str) -> i32 {
    let (month, day) = date.split_once('-').unwrap();
    let month: usize = month.parse().unwrap();
    YEAR_DAY + MONTH_STARTS[month - 1] + day.parse::<i32>().unwrap() - 1
}

#[test]
fn tmall_answers_as_sqlite_does() {
    let Some(folder) = folder("tmall_brand_2014") else { return };
    let file = folder.join("t_alibaba_data.csv.gz");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("store");
    let load = [
        "load",
        "events",
        file.to_str().unwrap(),
        "--map",
        "consumer=user_id",
        "--map",
        "brand=brand_id",
        "--map",
        "behaviour=type",
        "--values",
        "behaviour:0=click,1=buy,2=favorite,3=cart",
        "--map",
        "time=visit_datetime",
        "--time-format",
        "%m-%d",
        "--time-year",
        "2013",
    ];
    run(&data, &load).good();
    let (mut people, mut brands) = (Names::default(), Names::default());
    let mut events = Vec::new();
    for row in rows(&file) {
        let behaviour = match row["type"].as_str() {
            "0" => "click",
            "1" => "buy",
            "2" => "favorite",
            "3" => "cart",
            other => panic!("type {other}"),
        };
        let (person, brand) = (people.number(&row["user_id"]), brands.number(&row["brand_id"]));
        events.push(event(person, brand, behaviour, day_of(&row["visit_datetime"])));
    }
    assert_eq!((events.len(), people.names.len(), brands.names.len()), (182_880, 884, 9_531));
    let world = bare_world(people.names.len());
    let twin = Twin::new(&world);
    twin.events(&events, |person| u32::try_from(person).unwrap());
    let sides = Sides { db: Database::open(&data).unwrap(), twin, brands };
    let first = events.iter().map(|event| event.day).min().unwrap();
    let last = events.iter().map(|event| event.day).max().unwrap();
    assert_eq!((first, last), (day_of("4-15"), day_of("8-15")));
    let largest = largest(&events, 20);
    let compared = sides.every_week(&largest, first, last);
    sides.flow(&largest, day_of("4-30"), day_of("8-15"));
    sides.overlap(&largest[..10], last);
    sides.overlap(&largest[..10], day_of("5-31"));
    println!("tmall: {} events, {compared} distributions, flows and overlaps", events.len());
}
