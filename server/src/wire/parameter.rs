//! The values that clients bind to `$1`, `$2`, ...

use pgwire::api::Type;
use throng::{Date, Parameter, ParameterType};

use super::numeric;
use super::value::{EPOCH_DAYS, Format};

/// Why a bound value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParameterError {
    #[error("${number} is null: a statement's parameters have values")]
    Null { number: usize },
    #[error("${number} is not valid UTF-8")]
    Encoding { number: usize },
    #[error("${number} is not a value of type {type_name}")]
    Malformed { number: usize, type_name: String },
    #[error("${number} has type {type_name}, which is not taken in binary form")]
    Type { number: usize, type_name: String },
    #[error("the statement needs {wanted} parameters, {given} were given")]
    Count { wanted: usize, given: usize },
}

impl ParameterError {
    pub(super) fn sqlstate(&self) -> &'static str {
        match self {
            Self::Null { .. } => "22004",
            Self::Encoding { .. } => "22021",
            Self::Malformed { .. } => "22P03",
            Self::Type { .. } => "0A000",
            Self::Count { .. } => "08P01",
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Null { .. } => {
                Some("an unknown attribute is asked for with IS UNKNOWN".to_owned())
            }
            Self::Type { .. } => Some("send it as text".to_owned()),
            Self::Encoding { .. } | Self::Malformed { .. } | Self::Count { .. } => None,
        }
    }
}

/// A value as the client sent it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'b> {
    /// 1 for `$1`.
    pub(super) number: usize,
    /// The type that the client gave, if any.
    pub(super) given: Option<&'b Type>,
    /// The type that the statement wants.
    pub(super) wanted: ParameterType,
    pub(super) format: Format,
    pub(super) bytes: Option<&'b [u8]>,
}

/// The value in the engine's terms.
///
/// # Errors
/// When it is null, or the bytes are no value of its type.
pub(super) fn decode(sent: Sent<'_>) -> Result<Parameter, ParameterError> {
    let number = sent.number;
    let bytes = sent.bytes.ok_or(ParameterError::Null { number })?;
    match sent.format {
        Format::Text => text(sent, bytes),
        Format::Binary => binary(sent, bytes),
    }
}

fn utf8(number: usize, bytes: &[u8]) -> Result<&str, ParameterError> {
    std::str::from_utf8(bytes).map_err(|_| ParameterError::Encoding { number })
}

fn text(sent: Sent<'_>, bytes: &[u8]) -> Result<Parameter, ParameterError> {
    let text = utf8(sent.number, bytes)?;
    let trimmed = text.trim();
    Ok(match sent.wanted {
        ParameterType::Boolean => match boolean(trimmed) {
            Some(truth) => Parameter::Boolean(truth),
            None => Parameter::Text(text.to_owned()),
        },
        ParameterType::Date => match date(trimmed) {
            Some(day) => Parameter::Date(day),
            None => Parameter::Text(text.to_owned()),
        },
        ParameterType::Integer | ParameterType::Numeric { .. } | ParameterType::Double => {
            match trimmed.parse() {
                Ok(number) => Parameter::Integer(number),
                Err(_) if is_number(trimmed) => Parameter::Numeric(trimmed.to_owned()),
                Err(_) => Parameter::Text(text.to_owned()),
            }
        }
        ParameterType::Text => Parameter::Text(text.to_owned()),
    })
}

/// The ways that PostgreSQL writes a boolean.
fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["t", "true", "y", "yes", "on", "1"]) {
        Some(true)
    } else if is(&["f", "false", "n", "no", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A day; JDBC writes one with a zone behind it, others with a time of midnight.
fn date(text: &str) -> Option<Date> {
    let (day, rest) = text.split_at_checked(10)?;
    let is_rest = |c: char| c.is_ascii_digit() || ":+-. ".contains(c);
    let midnight = rest.trim_start_matches(['T', ' ']);
    let harmless = rest.is_empty()
        || midnight.starts_with("00:00")
        || rest.starts_with([' ', '+', '-', 'Z']) && midnight.starts_with(['+', '-', 'Z']);
    (harmless && midnight.trim_end_matches('Z').chars().all(is_rest))
        .then(|| day.parse().ok())
        .flatten()
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let points = digits.matches('.').count();
    points <= 1
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn binary(sent: Sent<'_>, bytes: &[u8]) -> Result<Parameter, ParameterError> {
    let wanted = super::value::pg_type(sent.wanted);
    let kind = match sent.given {
        Some(given) if *given != Type::UNKNOWN => given,
        _ => &wanted,
    };
    let malformed =
        || ParameterError::Malformed { number: sent.number, type_name: kind.name().to_owned() };
    let parameter = match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 => integer(bytes).map(Parameter::Integer),
        Type::OID => bytes
            .try_into()
            .ok()
            .map(|bytes| Parameter::Integer(i64::from(u32::from_be_bytes(bytes)))),
        Type::FLOAT4 | Type::FLOAT8 => float(bytes)
            .filter(|number| number.is_finite())
            .map(|number| Parameter::Numeric(number.to_string())),
        Type::NUMERIC => numeric::decode(bytes).ok().map(Parameter::Numeric),
        Type::BOOL => match bytes {
            [0] => Some(Parameter::Boolean(false)),
            [1] => Some(Parameter::Boolean(true)),
            _ => None,
        },
        Type::DATE => bytes
            .try_into()
            .ok()
            .and_then(|bytes| i32::from_be_bytes(bytes).checked_add(EPOCH_DAYS))
            .map(Date)
            .filter(|day| (Date::MIN..=Date::MAX).contains(day))
            .map(Parameter::Date),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            return utf8(sent.number, bytes).map(|text| Parameter::Text(text.to_owned()));
        }
        _ => {
            return Err(ParameterError::Type {
                number: sent.number,
                type_name: kind.name().to_owned(),
            });
        }
    };
    parameter.ok_or_else(malformed)
}

fn integer(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        2 => bytes.try_into().ok().map(|b| i64::from(i16::from_be_bytes(b))),
        4 => bytes.try_into().ok().map(|b| i64::from(i32::from_be_bytes(b))),
        8 => bytes.try_into().ok().map(i64::from_be_bytes),
        _ => None,
    }
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        // Through text: 0.1 as a float4 is meant as 0.1, not as 0.10000000149011612.
        4 => bytes.try_into().ok().and_then(|b| f32::from_be_bytes(b).to_string().parse().ok()),
        8 => bytes.try_into().ok().map(f64::from_be_bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ParameterError, Sent, decode};
    use crate::wire::value::Format;
    use pgwire::api::Type;
    use throng::{Date, Parameter, ParameterType};

    fn sent(
        wanted: ParameterType,
        given: Option<&Type>,
        format: Format,
        bytes: &[u8],
    ) -> Result<Parameter, ParameterError> {
        decode(Sent { number: 1, given, wanted, format, bytes: Some(bytes) })
    }

    fn from_text(wanted: ParameterType, text: &str) -> Parameter {
        sent(wanted, None, Format::Text, text.as_bytes()).unwrap()
    }

    #[test]
    fn text_is_read_as_what_is_wanted() {
        let text = |text: &str| Parameter::Text(text.to_owned());
        let day = |text: &str| Parameter::Date(text.parse().unwrap());
        assert_eq!(from_text(ParameterType::Text, "5"), text("5"));
        assert_eq!(from_text(ParameterType::Integer, " 5 "), Parameter::Integer(5));
        assert_eq!(from_text(ParameterType::Integer, "five"), text("five"));
        let money = ParameterType::Numeric { scale: 2 };
        assert_eq!(from_text(money, "5.50"), Parameter::Numeric("5.50".to_owned()));
        assert_eq!(from_text(money, "5.5.0"), text("5.5.0"));
        assert_eq!(from_text(ParameterType::Boolean, "T"), Parameter::Boolean(true));
        assert_eq!(from_text(ParameterType::Boolean, "off"), Parameter::Boolean(false));
        assert_eq!(from_text(ParameterType::Boolean, "maybe"), text("maybe"));
        for written in
            ["2017-11-11", "2017-11-11 +08", "2017-11-11 +08:00", "2017-11-11 00:00:00+08"]
        {
            assert_eq!(from_text(ParameterType::Date, written), day("2017-11-11"), "{written}");
        }
        for other in
            ["2017-11-11 13:00", "2017-11-31", "yesterday", "2017-11-1", "雅诗兰黛雅诗兰黛"]
        {
            assert_eq!(from_text(ParameterType::Date, other), text(other), "{other}");
        }
    }

    #[test]
    fn binary_is_read_by_its_type() {
        let wanted = ParameterType::Integer;
        let binary = |kind: &Type, bytes: &[u8]| sent(wanted, Some(kind), Format::Binary, bytes);
        assert_eq!(binary(&Type::INT2, &[0xff, 0xfe]), Ok(Parameter::Integer(-2)));
        assert_eq!(binary(&Type::INT4, &7_i32.to_be_bytes()), Ok(Parameter::Integer(7)));
        assert_eq!(binary(&Type::INT8, &7_i64.to_be_bytes()), Ok(Parameter::Integer(7)));
        assert_eq!(binary(&Type::UNKNOWN, &7_i64.to_be_bytes()), Ok(Parameter::Integer(7)));
        let numeric = |text: &str| Ok(Parameter::Numeric(text.to_owned()));
        assert_eq!(binary(&Type::FLOAT4, &0.1_f32.to_be_bytes()), numeric("0.1"));
        assert_eq!(
            binary(&Type::FLOAT8, &1e20_f64.to_be_bytes()),
            numeric("100000000000000000000")
        );
        assert_eq!(binary(&Type::BOOL, &[1]), Ok(Parameter::Boolean(true)));
        assert_eq!(binary(&Type::DATE, &0_i32.to_be_bytes()), Ok(Parameter::Date(Date(10_957))));
        assert_eq!(binary(&Type::VARCHAR, "雅".as_bytes()), Ok(Parameter::Text("雅".to_owned())));
        for (kind, bytes) in [
            (Type::INT4, &[1_u8, 2, 3][..]),
            (Type::FLOAT8, &f64::NAN.to_be_bytes()),
            (Type::BOOL, &[2]),
            (Type::DATE, &i32::MAX.to_be_bytes()),
            (Type::TEXT, &[0xff]),
            (Type::BYTEA, &[1]),
            (Type::NUMERIC, &[]),
        ] {
            assert!(binary(&kind, bytes).is_err(), "{kind}");
        }
    }

    #[test]
    fn null_is_refused() {
        let null = Sent {
            number: 3,
            given: None,
            wanted: ParameterType::Text,
            format: Format::Text,
            bytes: None,
        };
        assert_eq!(decode(null), Err(ParameterError::Null { number: 3 }));
    }
}
