//! The days of EVERY.

use crate::date::Date;
use crate::plan::StepUnit;

/// The days `from`, one step later, two steps later, ... not later than `to`; at most `max` of
/// them. Months are counted from `from`, so that the 31st comes back after a shorter month.
#[must_use]
pub fn every_dates(step: u32, unit: StepUnit, from: Date, to: Date, max: usize) -> Vec<Date> {
    let mut dates = Vec::new();
    let mut steps: u32 = 0;
    while dates.len() < max {
        let Some(day) = nth(step, unit, from, steps) else { break };
        if day > to || dates.last().is_some_and(|last| *last >= day) {
            break;
        }
        dates.push(day);
        steps += 1;
    }
    dates
}

fn nth(step: u32, unit: StepUnit, from: Date, steps: u32) -> Option<Date> {
    let units = step.checked_mul(steps)?;
    match unit {
        StepUnit::Day => Some(from.plus_days(i32::try_from(units).ok()?)),
        StepUnit::Week => Some(from.plus_days(i32::try_from(units.checked_mul(7)?).ok()?)),
        StepUnit::Month => Some(from.plus_months(units)),
    }
}

#[cfg(test)]
mod tests {
    use super::every_dates;
    use crate::date::Date;
    use crate::plan::StepUnit;

    fn days(step: u32, unit: StepUnit, from: &str, to: &str) -> Vec<String> {
        let dates = every_dates(step, unit, from.parse().unwrap(), to.parse().unwrap(), 100);
        dates.iter().map(Date::to_string).collect()
    }

    #[test]
    fn steps_are_counted_from_the_first_day() {
        let months = days(1, StepUnit::Month, "2017-01-31", "2017-04-30");
        assert_eq!(months, ["2017-01-31", "2017-02-28", "2017-03-31", "2017-04-30"]);
        let weeks = days(2, StepUnit::Week, "2017-01-01", "2017-01-29");
        assert_eq!(weeks, ["2017-01-01", "2017-01-15", "2017-01-29"]);
        assert_eq!(days(1, StepUnit::Day, "2017-01-02", "2017-01-01"), [""; 0]);
        assert_eq!(days(u32::MAX, StepUnit::Week, "2017-01-02", "2018-01-01"), ["2017-01-02"]);
        assert_eq!(days(1, StepUnit::Day, "9999-12-30", "9999-12-31").len(), 2);
        assert_eq!(days(1, StepUnit::Day, "2017-01-01", "9999-12-31").len(), 100);
    }
}
