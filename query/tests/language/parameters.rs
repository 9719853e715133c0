//! Parameters: what is taken where, and the same plan as the literal.

use throng_query::ParameterValue::{Boolean, Date as DateValue, Integer, Null, Numeric, Text};
use throng_query::plan::{ColumnType, Plan};
use throng_query::{ParameterValue, QueryError, bind, describe, parse};

use crate::catalog::Names;

fn text(value: &str) -> ParameterValue {
    Text(value.to_owned())
}

fn numeric(value: &str) -> ParameterValue {
    Numeric(value.to_owned())
}

fn day(value: &str) -> ParameterValue {
    DateValue(value.parse().unwrap())
}

fn bound(statement: &str, values: &[ParameterValue]) -> Result<Plan, QueryError> {
    bind(&parse(statement).unwrap(), &Names, values)
}

#[test]
fn a_parameter_means_what_its_literal_means() {
    let cases: &[(&str, &str, &[ParameterValue])] = &[
        ("city_tier = $1", "city_tier = 3", &[text("3"), text(" 3 "), Integer(3), numeric("3.0")]),
        ("power = $1", "power = -1.5", &[text("-1.5"), numeric("-1.50"), numeric("-15e-1")]),
        ("power = $1", "power = 7", &[Integer(7), text("7"), text("+7.00")]),
        ("vip = $1", "vip = TRUE", &[Boolean(true), text("t"), text("TRUE"), text("1")]),
        ("vip = $1", "vip = FALSE", &[Boolean(false), text("off"), text("f")]),
        ("birthday < $1", "birthday < '1990-02-28'", &[day("1990-02-28"), text("1990-02-28")]),
        ("age IN ('x', $1)", "age IN ('x', '18')", &[text("18"), Integer(18), numeric("18")]),
        ("estee.stage = $1", "estee.stage = P", &[text("P")]),
        ("estee.stage AS OF $1 = P", "estee.stage AS OF '2017-01-01' = P", &[text("2017-01-01")]),
        ("estee DID buy $1 TIMES", "estee DID buy 2 TIMES", &[Integer(2), text("2")]),
        ("estee DID buy ON $1 DAYS", "estee DID buy ON 2 DAYS", &[Integer(2)]),
        ("estee DID buy ON $1", "estee DID buy ON '2017-01-01'", &[day("2017-01-01")]),
        ("estee DID buy IN LAST $1 DAYS", "estee DID buy IN LAST 7 DAYS", &[Integer(7)]),
        ("estee DID buy VIA $1", "estee DID buy VIA 'live'", &[text("live")]),
        ("estee DID buy IN CATEGORY $1", "estee DID buy IN CATEGORY '手机'", &[text("手机")]),
        ("estee DID buy ITEM $1", "estee DID buy ITEM '42'", &[text("42"), Integer(42)]),
        ("estee SPENT > $1", "estee SPENT > 10.5", &[numeric("10.50"), text("10.5")]),
        ("SAMPLE $1 PERCENT", "SAMPLE 12.5 PERCENT", &[numeric("12.5")]),
        ("SAMPLE 1 PERCENT SEED $1", "SAMPLE 1 PERCENT SEED 9", &[Integer(9)]),
    ];
    for (with, without, values) in cases {
        let literal = bound(&format!("COUNT WHERE {without}"), &[]).unwrap();
        for value in *values {
            let statement = format!("COUNT WHERE {with}");
            let plan = bound(&statement, std::slice::from_ref(value)).unwrap();
            assert_eq!(plan, literal, "{statement} with {value:?}");
        }
    }
}

#[test]
fn whole_statements_take_parameters() {
    let cases: &[(&str, &str, &[ParameterValue])] = &[
        (
            "COUNT AS OF $1 LIMIT $2",
            "COUNT AS OF '2017-01-01' LIMIT 3",
            &[day("2017-01-01"), Integer(3)],
        ),
        (
            "COUNT EVERY $1 DAYS FROM $2 TO $3",
            "COUNT EVERY 2 DAYS FROM '2017-01-01' TO '2017-02-01'",
            &[Integer(2), day("2017-01-01"), text("2017-02-01")],
        ),
        ("OVERLAP $1, lancome", "OVERLAP 'SK-II', lancome", &[text("SK-II")]),
        (
            "CONSUMER $1 FOR $2",
            "CONSUMER 'taobao:u1' FOR estee",
            &[text("taobao:u1"), text("estee")],
        ),
        (
            "MATCH CONSUMER $1 AGAINST AUDIENCE warm",
            "MATCH CONSUMER 'u' AGAINST AUDIENCE warm",
            &[text("u")],
        ),
    ];
    for (with, without, values) in cases {
        assert_eq!(bound(with, values).unwrap(), bound(without, &[]).unwrap(), "{with}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_their_kind() {
    let cases: &[(&str, ParameterValue, &str)] = &[
        ("city_tier = $1", text("three"), "22P02"),
        ("city_tier = $1", numeric("1.5"), "22P02"),
        ("city_tier = $1", numeric("1e30"), "22003"),
        ("city_tier = $1", numeric("NaN"), "22P02"),
        ("city_tier = $1", Boolean(true), "42804"),
        ("city_tier = $1", Null, "22004"),
        ("power = $1", numeric("0.125"), "22P02"),
        ("vip = $1", text("maybe"), "22P02"),
        ("vip = $1", Integer(1), "42804"),
        ("birthday = $1", text("2017-02-29"), "22007"),
        ("birthday = $1", Integer(3), "42804"),
        ("estee.stage = $1", text("Z"), "42704"),
        ("estee DID buy VIA $1", text("nowhere"), "42704"),
        ("estee DID buy $1 TIMES", Integer(0), "22023"),
        ("estee DID buy IN LAST $1 DAYS", Integer(-1), "22023"),
        ("estee SPENT > $1", text("1.005"), "22P02"),
        ("SAMPLE $1 PERCENT", Integer(101), "22023"),
        ("city_tier BETWEEN 3 AND $1", Integer(1), "22023"),
    ];
    for (set, value, state) in cases {
        let statement = format!("COUNT WHERE {set}");
        let error = bound(&statement, std::slice::from_ref(value)).unwrap_err();
        assert_eq!(error.sqlstate(), *state, "{statement} with {value:?}: {error}");
        let place = error.span.clone();
        let shown = &statement[place];
        assert!(shown.contains("$1"), "{statement}: {shown}");
    }
}

#[test]
fn too_few_and_too_many_values_are_refused() {
    let statement = "COUNT WHERE city_tier BETWEEN $1 AND $2";
    assert_eq!(bound(statement, &[Integer(1)]).unwrap_err().sqlstate(), "42P02");
    let three = [Integer(1), Integer(2), Integer(3)];
    assert_eq!(bound(statement, &three).unwrap_err().sqlstate(), "08P01");
    assert!(bound(statement, &three[..2]).is_ok());
    assert_eq!(bound("COUNT", &three[..1]).unwrap_err().sqlstate(), "08P01");
}

#[test]
fn a_parameter_used_twice_has_one_type() {
    let types = |statement: &str| {
        describe(&parse(statement).unwrap(), &Names).map(|description| description.parameters)
    };
    let both = types("COUNT WHERE city_tier = $1 AND power = $1").unwrap();
    assert_eq!(both, [ColumnType::Numeric { scale: 2 }]);
    let dates = types("COUNT WHERE estee.stage AS OF $1 = P AS OF $1").unwrap();
    assert_eq!(dates, [ColumnType::Date]);
    let error = types("COUNT WHERE age = $1 AS OF $1").unwrap_err();
    assert_eq!(error.sqlstate(), "42P18");
}

#[test]
fn a_description_and_a_run_have_the_same_columns() {
    let statement = "COUNT BY estee.stage AS OF $1, estee.stage AS OF $2 ORDER BY count LIMIT $3";
    let description = describe(&parse(statement).unwrap(), &Names).unwrap();
    let values = [day("2017-01-01"), day("2017-02-01"), Integer(5)];
    assert_eq!(bound(statement, &values).unwrap().columns, description.columns);
}

#[test]
fn a_description_does_not_judge_values_it_does_not_have() {
    for statement in [
        "COUNT EVERY 1 DAY FROM $1 TO '2017-11-12'",
        "COUNT EVERY $1 DAYS FROM '1990-01-01' TO '2017-11-12'",
        "COUNT WHERE city_tier BETWEEN $1 AND -7",
        "COUNT WHERE estee SPENT BETWEEN 5 AND $1",
        "COUNT WHERE estee DID buy BETWEEN '2017-01-01' AND $1",
        "OVERLAP $1, estee",
        "CONSUMER $1",
    ] {
        let description = describe(&parse(statement).unwrap(), &Names);
        assert_eq!(description.unwrap().parameters.len(), 1, "{statement}");
    }
}
