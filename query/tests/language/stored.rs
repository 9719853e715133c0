//! Definitions that are kept as text and read again.

use throng_query::plan::{Create, Statement};
use throng_query::{
    ParameterValue, bind, bind_model, bind_set, builtin, create_text, model_text, parse,
    parse_model, parse_set, set_text,
};

use crate::catalog::Names;

fn created(statement: &str, values: &[ParameterValue]) -> Create {
    let ast = parse(statement).unwrap_or_else(|error| panic!("{}", error.render(statement)));
    let plan = bind(&ast, &Names, values);
    match plan.unwrap_or_else(|error| panic!("{}", error.render(statement))).statement {
        Statement::Create(create) => create,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_built_in_models_bind_and_print_the_same_model() {
    for (name, text) in builtin::models() {
        let model = bind_model(name, text, &Names).unwrap_or_else(|e| panic!("{}", e.render(text)));
        let stages: Vec<&str> = model.stages.iter().map(|rule| rule.stage.as_str()).collect();
        let expected: &[&str] = match *name {
            "lifecycle" => &["active", "new", "dormant", "lost", "prospect"],
            "deeplink" => {
                &["keen", "numerous", "initial", "perform", "enthuse", "engage", "discover"]
            }
            _ => &["L", "P", "I", "A", "O"],
        };
        assert_eq!(stages, expected, "{name}");
        let printed = model_text(&model, &Names);
        let again = bind_model(name, &printed, &Names).unwrap();
        assert_eq!(again.stages, model.stages, "{printed}");
    }
    let rule = |name: &str, stage: usize| {
        let text = builtin::models().iter().find(|(known, _)| *known == name).unwrap().1;
        let model = bind_model(name, text, &Names).unwrap();
        set_text(&model.stages[stage].rule, &Names)
    };
    assert_eq!(
        rule("aipl", 0),
        "DID buy ON 2 DAYS IN LAST 365 DAYS OR DID review_positive IN LAST 365 DAYS AND DID buy"
    );
    assert_eq!(
        rule("aipl", 2),
        "IS MEMBER OR IS FOLLOWER OR DID (search, favorite, cart, interact, coupon, share, \
         sample, deposit) IN LAST 15 DAYS OR DID view ON 2 DAYS IN LAST 15 DAYS"
    );
    assert!(rule("aipl", 3).contains("click") && !rule("aipl_quick", 3).contains("click"));
    assert!(rule("aipl_quick", 2).contains("(click, search"));
    assert_eq!(
        rule("deeplink", 3),
        "stage(aipl) = I AND DID (cart, favorite, deposit) IN LAST 15 DAYS"
    );
    assert_eq!(rule("lifecycle", 0), "DID buy IN LAST 90 DAYS AND DID buy BEFORE LAST 30 DAYS");
    assert_eq!(rule("aipl", 4), "ANY BRAND DID ANY IN LAST 30 DAYS IN TARGET CATEGORIES");
}

#[test]
fn an_audience_is_read_again_from_its_text() {
    let statement = "CREATE AUDIENCE x AS /* a */ (oppo.stage IN (A, I)) -- b\n AND NOT ALL;";
    let Create::Audience { set, text, .. } = created(statement, &[]) else { panic!() };
    assert_eq!(text, "(oppo.stage IN (A, I)) -- b\n AND NOT ALL");
    assert_eq!(bind_set(&text, &Names).unwrap(), set);
}

#[test]
fn parameters_become_part_of_a_kept_text() {
    let statement = "CREATE FROZEN AUDIENCE x AS oppo.stage = $1 AND city_tier > $2 AS OF $3";
    let values = [
        ParameterValue::Text("P".to_owned()),
        ParameterValue::Integer(2),
        ParameterValue::Text("2017-11-11".to_owned()),
    ];
    let create = created(statement, &values);
    let Create::Audience { set, text, .. } = &create else { panic!() };
    assert_eq!(text, "oppo.stage = P AND city_tier > 2");
    assert_eq!(bind_set(text, &Names).unwrap(), *set);
    let again = create_text(&create, &Names);
    assert!(again.ends_with(" AS OF '2017-11-11'"), "{again}");
    assert_eq!(created(&again, &[]), create);
    let model = "CREATE MODEL m AS STAGE a WHEN DID buy $1 TIMES, STAGE b WHEN IS MEMBER";
    let Create::Model { model, .. } = created(model, &[ParameterValue::Integer(3)]) else {
        panic!()
    };
    assert_eq!(model.text, "STAGE a WHEN DID buy 3 TIMES,\nSTAGE b WHEN IS MEMBER");
    assert_eq!(bind_model("m", &model.text, &Names).unwrap(), model);
}

#[test]
fn every_definition_prints_a_statement_that_makes_it_again() {
    for statement in [
        "CREATE AUDIENCE \"a \"\"b\"\"\" AS vip = TRUE",
        "CREATE OR REPLACE FROZEN AUDIENCE warm AS vip = TRUE AS OF '2017-01-01'",
        "CREATE BRAND x TARGET CATEGORIES ('it''s')",
        "CREATE BRAND IF NOT EXISTS estee",
        "CREATE BEHAVIOUR \"where\"",
        "CREATE ATTRIBUTE IF NOT EXISTS estee.x DECIMAL(9)",
        "CREATE ATTRIBUTE \"SK-II\".\"date\" DATE",
        "CREATE MODEL deeper AS STAGE x WHEN stage(deeplink) IN (keen, numerous) AND stage <> P",
        "CREATE MODEL \"m n\" AS STAGE \"in\" WHEN SPENT > 5 AND NOT (DID buy OR IS FOLLOWER)",
    ] {
        let create = created(statement, &[]);
        assert_eq!(created(&create_text(&create, &Names), &[]), create, "{statement}");
    }
}

#[test]
fn a_kept_text_is_only_its_definition() {
    assert_eq!(parse_set("vip = $1").unwrap_err().sqlstate(), "42P02");
    assert_eq!(parse_model("STAGE a WHEN DID buy $1 TIMES").unwrap_err().sqlstate(), "42P02");
    assert_eq!(parse_set("vip = TRUE BY age").unwrap_err().sqlstate(), "42601");
    assert_eq!(parse_set("DID buy").unwrap_err().sqlstate(), "42601");
    assert_eq!(parse_model("DID buy").unwrap_err().sqlstate(), "42601");
    assert_eq!(parse_model("").unwrap_err().sqlstate(), "42601");
    assert_eq!(bind_set("AUDIENCE gone", &Names).unwrap_err().sqlstate(), "42704");
}

#[test]
fn what_was_accepted_once_stays_accepted() {
    for text in ["SAMPLE 0 PERCENT", "TOP 0 PERCENT BY estee.spend"] {
        assert!(bind_set(text, &Names).is_ok(), "{text}");
    }
}
