//! The laws of the design's section 2, over random stores.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use throng::Date;
use throng::{Database, Event as Told, EventBatch, Value, When};

use crate::oracle::dice::Dice;
use crate::oracle::events::Happenings;
use crate::oracle::load::Pair;
use crate::oracle::term::{Term, some_day};
use crate::oracle::text;
use crate::oracle::world::{BRANDS, CATEGORIES, Portion, Size, World};

const STORES: u64 = 6;

fn over_stores(first_seed: u64, law: impl Fn(&Database, &World, &mut Dice)) {
    for seed in first_seed..first_seed + STORES {
        let world = World::new(seed, Size::Small);
        let pair = Pair::build(&world);
        println!("seed {seed}");
        law(&pair.db, &world, &mut Dice::new(seed));
    }
}

fn rows(db: &Database, statement: &str) -> Vec<Vec<Value>> {
    db.query(statement).unwrap_or_else(|error| panic!("{error}\n{statement}")).rows
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        other => panic!("{other:?} is no integer"),
    }
}

/// The one number of an answer.
fn number(db: &Database, statement: &str) -> i64 {
    let rows = rows(db, statement);
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{statement}");
    integer(&rows[0][0])
}

/// A count per combination of the columns before it.
fn table(db: &Database, statement: &str) -> BTreeMap<Vec<String>, i64> {
    let rows = rows(db, statement).into_iter().map(|row| {
        let (count, keys) = row.split_last().unwrap();
        (keys.iter().map(Value::to_string).collect(), integer(count))
    });
    rows.collect()
}

fn random_set(world: &World, dice: &mut Dice) -> String {
    let term = Term::random(dice, &world.days, &world.models, &world.audiences, 2);
    format!("({})", text::term(&term))
}

#[test]
fn every_consumer_is_in_exactly_one_stage() {
    over_stores(2_001, |db, world, dice| {
        for _ in 0..12 {
            let day = text::day(some_day(dice, &world.days));
            let model = dice.pick(&world.models);
            let stage = text::stage(dice.index(BRANDS.len()), &model.name);
            let all = number(db, &format!("COUNT AS OF {day}"));
            let parts = table(db, &format!("COUNT BY {stage} AS OF {day}"));
            assert_eq!(parts.values().sum::<i64>(), all, "{stage} {day}");
            for name in model.stage_names() {
                let name_text = text::name(&name);
                let one = number(db, &format!("COUNT WHERE {stage} = {name_text} AS OF {day}"));
                assert_eq!(parts.get(&vec![name]).copied().unwrap_or(0), one, "{stage} {day}");
                let others = format!("COUNT WHERE {stage} <> {name_text} AS OF {day}");
                assert_eq!(number(db, &others), all - one, "{stage} {day}");
            }
        }
    });
}

#[test]
fn inclusion_and_exclusion_agree() {
    over_stores(2_101, |db, world, dice| {
        for _ in 0..25 {
            let day = text::day(some_day(dice, &world.days));
            let (a, b) = (random_set(world, dice), random_set(world, dice));
            let count = |set: &str| number(db, &format!("COUNT WHERE {set} AS OF {day}"));
            let both = count(&format!("{a} AND {b}"));
            assert_eq!(count(&format!("{a} OR {b}")), count(&a) + count(&b) - both, "{a} {b}");
            let all = number(db, &format!("COUNT AS OF {day}"));
            assert_eq!(count(&format!("NOT {a}")), all - count(&a), "{a} {day}");
            let neither = count(&format!("NOT ({a} OR {b})"));
            assert_eq!(neither, count(&format!("NOT {a} AND NOT {b}")), "{a} {b} {day}");
        }
    });
}

#[test]
fn the_margins_of_a_flow_are_its_distributions() {
    over_stores(2_201, |db, world, dice| {
        for _ in 0..12 {
            let mut days = [some_day(dice, &world.days), some_day(dice, &world.days)];
            days.sort_unstable();
            let [first, last] = days.map(text::day);
            let stage = text::stage(dice.index(5), &dice.pick(&world.models).name);
            let flow = table(db, &format!("COUNT BY {stage} AS OF {first}, {stage} AS OF {last}"));
            let at_end = table(db, &format!("COUNT BY {stage} AS OF {last}"));
            let at_start = table(db, &format!("COUNT BY {stage} AS OF {first}"));
            let all = [&first, &last].map(|day| number(db, &format!("COUNT AS OF {day}")));
            let mut margins = [BTreeMap::new(), BTreeMap::new()];
            for (keys, count) in &flow {
                for (margin, key) in margins.iter_mut().zip(keys) {
                    *margin.entry(vec![key.clone()]).or_insert(0) += count;
                }
            }
            // Who was not yet in the universe on the first day comes from `none`, or from where a
            // model of one's own puts those who did nothing.
            assert_eq!(margins[1], at_end, "{stage} {first} {last}");
            assert_eq!(margins[0].values().sum::<i64>(), all[1]);
            assert_eq!(at_start.values().sum::<i64>(), all[0]);
            let built_in = !stage.contains("mine");
            for (key, count) in at_start.iter().filter(|(key, _)| built_in && key[0] != "none") {
                assert_eq!(margins[0].get(key), Some(count), "{stage} {first} {last}");
            }
        }
    });
}

#[test]
fn the_stages_of_deeplink_add_up_to_those_of_aipl() {
    const ROLLED: [(&str, &[&str]); 5] = [
        ("L", &["keen", "numerous"]),
        ("P", &["initial"]),
        ("I", &["perform", "enthuse", "engage"]),
        ("A", &["discover"]),
        // Opportunity is no part of deeplink.
        ("O", &[]),
    ];
    over_stores(2_251, |db, world, dice| {
        for _ in 0..12 {
            let day = text::day(some_day(dice, &world.days));
            let brand = dice.index(BRANDS.len());
            let (aipl, deeplink) = (text::stage(brand, "aipl"), text::stage(brand, "deeplink"));
            let both = table(db, &format!("COUNT BY {aipl}, {deeplink} AS OF {day}"));
            for (keys, count) in &both {
                let fits = ROLLED
                    .iter()
                    .any(|(stage, parts)| keys[0] == *stage && parts.contains(&keys[1].as_str()));
                let outside = ["O", "none"].contains(&keys[0].as_str()) && keys[1] == "none";
                assert!(fits || outside, "{keys:?} {count} {day}");
            }
        }
    });
}

#[test]
fn pairs_follow_from_regions() {
    over_stores(2_301, |db, world, dice| {
        for _ in 0..8 {
            let day = text::day(some_day(dice, &world.days));
            let names = ["a", "b", "c", "d"];
            let sets: Vec<String> =
                names.iter().map(|name| format!("{} AS {name}", random_set(world, dice))).collect();
            let filter = random_set(world, dice);
            let overlap = format!("OVERLAP {}", sets.join(", "));
            let regions = rows(db, &format!("{overlap} REGIONS WHERE {filter} AS OF {day}"));
            let within = |wanted: &[&str]| -> i64 {
                let holds = |row: &&Vec<Value>| {
                    let region = row[0].to_string();
                    let parts: Vec<&str> = region.split(" & ").collect();
                    wanted.iter().all(|name| parts.contains(name))
                };
                regions.iter().filter(holds).map(|row| integer(&row[2])).sum()
            };
            let pairs = rows(db, &format!("{overlap} WHERE {filter} AS OF {day}"));
            assert_eq!(pairs.len(), 6);
            for pair in &pairs {
                let (left, right) = (pair[0].to_string(), pair[1].to_string());
                let found = [&pair[2], &pair[3], &pair[4]].map(integer);
                let expected = [within(&[&left]), within(&[&right]), within(&[&left, &right])];
                assert_eq!(found, expected, "{overlap} {filter} {day}");
            }
            let any = format!("COUNT WHERE {filter} AND ({}) AS OF {day}", {
                let sets = sets.iter().map(|set| set.rsplit_once(" AS ").unwrap().0);
                sets.collect::<Vec<_>>().join(" OR ")
            });
            assert_eq!(within(&[]), number(db, &any), "{any}");
        }
    });
}

#[test]
fn pairs_of_many_sets_are_what_each_two_are() {
    over_stores(2_351, |db, world, dice| {
        let sets: Vec<String> =
            (0..100).map(|n| format!("{} AS s{n}", random_set(world, dice))).collect();
        let pairs = rows(db, &format!("OVERLAP {}", sets.join(", ")));
        assert_eq!(pairs.len(), 100 * 99 / 2);
        for _ in 0..30 {
            let pair = &pairs[dice.index(pairs.len())];
            let names = [pair[0].to_string(), pair[1].to_string()];
            let set = |name: &str| {
                let number: usize = name[1..].parse().unwrap();
                sets[number].rsplit_once(" AS ").unwrap().0.to_owned()
            };
            let [left, right] = [set(&names[0]), set(&names[1])];
            let count = |set: String| number(db, &format!("COUNT WHERE {set}"));
            let expected =
                [count(left.clone()), count(right.clone()), count(format!("{left} AND {right}"))];
            assert_eq!([&pair[2], &pair[3], &pair[4]].map(integer), expected, "{names:?}");
        }
    });
}

#[test]
fn every_date_answers_as_that_day_alone() {
    over_stores(2_401, |db, world, dice| {
        for _ in 0..5 {
            let from = some_day(dice, &world.days);
            let stage = text::stage(dice.index(5), "aipl");
            let ask = format!("COUNT WHERE {} BY {stage}", random_set(world, dice));
            let (first, last) = (text::day(from), text::day(from + 28));
            let trend = rows(db, &format!("{ask} EVERY 1 WEEK FROM {first} TO {last}"));
            let mut singly = Vec::new();
            for day in (from..=from + 28).step_by(7) {
                for mut row in rows(db, &format!("{ask} AS OF {}", text::day(day))) {
                    row.insert(0, Value::Date(Date(day)));
                    singly.push(row);
                }
            }
            assert_eq!(trend, singly, "{ask} from {first}");
        }
    });
}

#[test]
fn an_event_never_lowers_a_stage_unless_it_takes_something_back() {
    let order = ["L", "P", "I", "A", "O"];
    over_stores(2_501, |db, world, dice| {
        let mut happenings = Happenings::new(world.people.len(), dice);
        let brand = dice.index(3);
        let name = text::name(BRANDS[brand]);
        let day = some_day(dice, &world.days).clamp(1, 65_000);
        let as_of = text::day(day);
        for (place, _) in order.iter().enumerate() {
            let stages = order[..=place].join(", ");
            let create = format!("CREATE FROZEN AUDIENCE up{place} AS {name}.stage IN ({stages})");
            rows(db, &format!("{create} AS OF {as_of}"));
        }
        let mut batch = EventBatch::new();
        let mut events = happenings.all(dice);
        events.retain(|event| !["refund", "leave", "unfollow"].contains(&event.behaviour));
        for mut event in events.into_iter().take(200) {
            event.day =
                day - i32::try_from(dice.index(usize::try_from(day.min(20)).unwrap())).unwrap();
            let at = When::Local { day: Date(event.day), second: event.second };
            let person = &world.people[event.person];
            let told = Told::new(person, BRANDS[event.brand], event.behaviour, at);
            let (count, amount) = (event.count, event.amount);
            let category = event.category.map(|i| CATEGORIES[i]);
            batch.push(&Told { category, count, amount, ..told });
        }
        db.ingest(&batch, None).unwrap();
        let mut raised = 0;
        for place in 0..order.len() {
            let stages = order[..=place].join(", ");
            let (was, is) = (format!("AUDIENCE up{place}"), format!("{name}.stage IN ({stages})"));
            let fell = format!("COUNT WHERE {was} AND NOT {is} AS OF {as_of}");
            assert_eq!(number(db, &fell), 0, "{fell}");
            raised += number(db, &format!("COUNT WHERE NOT {was} AND {is} AS OF {as_of}"));
        }
        assert!(raised > 0, "the events changed nothing: the law was not tried");
    });
}

#[test]
fn a_past_day_changes_through_late_data_only() {
    over_stores(2_601, |db, world, dice| {
        let newest = *world.days.last().unwrap();
        let day = newest.min(60_000);
        let asked: Vec<String> = (0..20)
            .map(|_| {
                let as_of = text::day(some_day(dice, &world.days).min(day));
                let stage = text::stage(dice.index(5), "aipl");
                format!("COUNT WHERE {} BY {stage} AS OF {as_of}", past_set(world, dice, day))
            })
            .collect();
        let before: Vec<_> = asked.iter().map(|statement| rows(db, statement)).collect();
        let mut batch = EventBatch::new();
        for i in 0..100 {
            let person = &world.people[i % world.people.len()];
            let at = When::day(Date(day + 1 + i32::try_from(i % 40).unwrap()));
            let behaviour = *dice.pick(&["buy", "view", "refund", "leave", "join"]);
            batch.push(&Told::new(person, BRANDS[i % 4], behaviour, at));
            batch.push(&Told::new(&format!("later{i}"), BRANDS[i % 4], behaviour, at));
        }
        db.ingest(&batch, None).unwrap();
        for (statement, before) in asked.iter().zip(before) {
            assert_eq!(rows(db, statement), before, "{statement}");
        }
    });
}

/// A set that looks at no day after `day`: no stage as of its own day is later.
fn past_set(world: &World, dice: &mut Dice, day: i32) -> String {
    loop {
        let term = Term::random(dice, &world.days, &world.models, &[], 2);
        if latest_stage_day(&term).is_none_or(|latest| latest <= day) {
            return format!("({})", text::term(&term));
        }
    }
}

fn latest_stage_day(term: &Term) -> Option<i32> {
    match term {
        Term::And(parts) | Term::Or(parts) => parts.iter().filter_map(latest_stage_day).max(),
        Term::Not(inner) => latest_stage_day(inner),
        Term::Stage { as_of, .. } => *as_of,
        _ => None,
    }
}

#[test]
fn a_window_ends_exactly_on_its_day() {
    let dir = tempfile::tempdir().unwrap();
    let db =
        Database::create(&dir.path().join("store"), &throng::CreateOptions::default()).unwrap();
    // Behaviour, days, window, the stage while it counts.
    let cases: &[(&str, &[i32], i32, &str)] = &[
        ("click", &[0], 15, "A"),
        ("exposure", &[0], 15, "A"),
        ("view", &[0], 15, "A"),
        ("watch", &[0], 15, "A"),
        ("search", &[0], 15, "I"),
        ("cart", &[0], 15, "I"),
        ("deposit", &[0], 15, "I"),
        ("buy", &[0], 913, "P"),
        ("buy", &[-1, 0], 364, "L"),
        ("view", &[-1, 0], 14, "I"),
        ("review_positive", &[0], 15, "none"),
    ];
    let day = 17_100;
    let mut batch = EventBatch::new();
    let people: Vec<String> = (0..cases.len()).map(|i| format!("u{i}")).collect();
    for (person, (behaviour, days, _, _)) in people.iter().zip(cases) {
        for shift in *days {
            let at = When::Local { day: Date(day + shift), second: 86_399 };
            batch.push(&Told::new(person, "oppo", behaviour, at));
        }
    }
    db.ingest(&batch, None).unwrap();
    for (person, (behaviour, _, window, stage)) in people.iter().zip(cases) {
        let stage_on = |day: i32| {
            let statement = format!("CONSUMER '{person}' FOR oppo AS OF {}", text::day(day));
            let rows = rows(&db, &statement);
            let row = rows.iter().find(|row| row[0].to_string() == "stage");
            row.map_or("none".to_owned(), |row| row[2].to_string())
        };
        let case = format!("{behaviour} {window}");
        assert_eq!(stage_on(day), *stage, "{case}: its day");
        assert_eq!(stage_on(day + window - 1), *stage, "{case}: the last day");
        if *stage != "none" {
            assert_ne!(stage_on(day + window), *stage, "{case}: the day after");
        }
        let count = format!(
            "COUNT WHERE oppo DID {behaviour} IN LAST {window} DAYS AND oppo DID ANY AS OF"
        );
        let with = |day: i32| number(&db, &format!("{count} {}", text::day(day)));
        assert!(with(day + window - 1) > 0, "{case}");
        assert!(with(day + window - 1) > with(day + window), "{case}");
    }
}

#[test]
fn the_order_of_loading_does_not_matter() {
    for seed in 2_701..2_704 {
        let mut world = World::new(seed, Size::Small);
        // What is erased depends on what was there by then.
        world.portions.retain(|portion| !portion.is_erasure());
        let mut other = World::new(seed, Size::Small);
        let mut events: Vec<_> = other.portions.iter().flat_map(Portion::events).cloned().collect();
        let facts: Vec<Portion> =
            other.portions.iter().filter(|p| matches!(p, Portion::Facts(_))).cloned().collect();
        Dice::new(seed).shuffle(&mut events);
        other.portions = facts;
        other.portions.insert(0, Portion::Bulk(events));
        other.portions.push(Portion::Definitions);
        let (one, two) = (Pair::build(&world).db, Pair::build(&other).db);
        let mut dice = Dice::new(seed);
        for _ in 0..40 {
            let as_of = text::day(some_day(&mut dice, &world.days));
            let set = loop {
                // The user's own model may hold a sample.
                let models = &world.models[..2];
                let term = Term::random(&mut dice, &world.days, models, &[], 2);
                let set = text::term(&term);
                // A sample goes by ids, which are given in the order of loading.
                if !set.contains("SAMPLE") {
                    break set;
                }
            };
            let statement = format!("COUNT WHERE {set} BY estee.stage, age AS OF {as_of}");
            assert_eq!(rows(&one, &statement), rows(&two, &statement), "seed {seed}: {statement}");
        }
    }
}

#[test]
fn merging_files_changes_no_answer() {
    over_stores(2_901, |db, world, dice| {
        let mut statements = Vec::new();
        for _ in 0..12 {
            let day = text::day(some_day(dice, &world.days));
            let model = dice.pick(&world.models);
            let stage = text::stage(dice.index(BRANDS.len()), &model.name);
            let brand = text::name(BRANDS[dice.index(BRANDS.len())]);
            let set = random_set(world, dice);
            statements.push(format!("COUNT AS OF {day}"));
            statements.push(format!("COUNT BY {stage} AS OF {day}"));
            statements.push(format!("COUNT WHERE {set} AS OF {day}"));
            statements.push(format!("SUM {brand}.spend IN LAST 90 DAYS AS OF {day}"));
        }
        let asked = || statements.iter().map(|one| rows(db, one)).collect::<Vec<_>>();
        let before = asked();
        let merged = db.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(merged.1, ControlFlow::Continue(()));
        for ((statement, before), after) in statements.iter().zip(before).zip(asked()) {
            assert_eq!(before, after, "{statement}");
        }
        let again = db.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(again.0.jobs, 0);
    });
}
