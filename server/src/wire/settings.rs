//! The settings that PostgreSQL's drivers set and ask for, and what each may be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::limits::{SETTING_BYTES_MAX, SETTINGS_MAX};
use super::memory;
use super::session::SessionError;

/// What a setting may be set to.
enum Rule {
    /// Anything: it changes nothing here.
    Any,
    /// Nothing: it says what the server is.
    Told,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// A time in milliseconds, or with a unit.
    Duration,
    /// A date style that begins with ISO.
    IsoDates,
    /// A number of kilobytes, or with a unit; no more than what the server allows.
    Memory,
}

/// Whether clients are told the value at startup and at each change.
#[derive(PartialEq, Eq)]
enum Report {
    Yes,
    No,
}

struct Setting {
    name: &'static str,
    default: &'static str,
    rule: Rule,
    report: Report,
}

const fn setting(name: &'static str, default: &'static str, rule: Rule, report: Report) -> Setting {
    Setting { name, default, rule, report }
}

const SWITCH: Rule = Rule::OneOf(&["on", "off", "true", "false", "yes", "no", "1", "0"]);
const LEVELS: Rule =
    Rule::OneOf(&["read committed", "read uncommitted", "repeatable read", "serializable"]);

/// What `server_version` begins with: drivers choose their queries by it.
const VERSION: &str = concat!("15.0 (Throng ", env!("CARGO_PKG_VERSION"), ")");

const SETTINGS: &[Setting] = &[
    setting("application_name", "", Rule::Any, Report::Yes),
    setting("bytea_output", "hex", Rule::OneOf(&["hex", "escape"]), Report::No),
    setting(
        "client_encoding",
        "UTF8",
        // SQL_ASCII says "as they are": libpq's name for the encoding of the C locale.
        Rule::OneOf(&["UTF8", "UTF-8", "UNICODE", "SQL_ASCII"]),
        Report::Yes,
    ),
    setting(
        "client_min_messages",
        "notice",
        Rule::OneOf(&[
            "debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "info", "notice",
            "warning", "error", "fatal", "panic",
        ]),
        Report::No,
    ),
    setting("DateStyle", "ISO, MDY", Rule::IsoDates, Report::Yes),
    setting("default_transaction_deferrable", "off", SWITCH, Report::No),
    setting("default_transaction_isolation", "read committed", LEVELS, Report::No),
    setting("default_transaction_read_only", "off", SWITCH, Report::Yes),
    setting("extra_float_digits", "1", Rule::Any, Report::No),
    setting("idle_in_transaction_session_timeout", "0", Rule::Any, Report::No),
    setting("idle_session_timeout", "0", Rule::Any, Report::No),
    setting("in_hot_standby", "off", Rule::Told, Report::Yes),
    setting("integer_datetimes", "on", Rule::Told, Report::Yes),
    setting("IntervalStyle", "postgres", Rule::OneOf(&["postgres"]), Report::Yes),
    setting("is_superuser", "off", Rule::Told, Report::Yes),
    setting("jit", "off", SWITCH, Report::No),
    setting("lc_collate", "C", Rule::Told, Report::No),
    setting("lc_ctype", "C.UTF-8", Rule::Told, Report::No),
    setting("lc_messages", "C", Rule::Any, Report::No),
    setting("lock_timeout", "0", Rule::Any, Report::No),
    setting("max_identifier_length", "63", Rule::Told, Report::No),
    setting("memo", "on", SWITCH, Report::No),
    setting("row_security", "on", SWITCH, Report::No),
    setting("search_path", "public", Rule::Any, Report::No),
    setting("server_encoding", "UTF8", Rule::Told, Report::Yes),
    setting("server_version", VERSION, Rule::Told, Report::Yes),
    setting("server_version_num", "150000", Rule::Told, Report::No),
    setting("session_authorization", "throng", Rule::Told, Report::Yes),
    setting("standard_conforming_strings", "on", Rule::OneOf(&["on", "true", "1"]), Report::Yes),
    setting("statement_memory", "1GB", Rule::Memory, Report::No),
    setting("statement_timeout", "0", Rule::Duration, Report::No),
    setting("synchronous_commit", "on", Rule::OneOf(&["on", "local"]), Report::No),
    setting("TimeZone", "UTC", Rule::Any, Report::Yes),
    setting("transaction_isolation", "read committed", LEVELS, Report::No),
    setting("transaction_read_only", "off", SWITCH, Report::No),
];

fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

/// Whether there is a setting of this name that is not a client's own.
pub(super) fn is_setting(name: &str) -> bool {
    find(name).is_some()
}

/// The settings of one connection.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// What RESET returns to, where that is not the table's default.
    initial: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    /// The most that a statement may be allowed, in bytes.
    memory_max: usize,
}

impl Settings {
    /// The table's defaults, with the store's time zone and the connection's user.
    pub(super) fn new(time_zone: &str, user: &str, memory_max: usize) -> Self {
        let initial = BTreeMap::from([
            ("statement_memory".to_owned(), memory::text(memory_max)),
            ("TimeZone".to_owned(), time_zone.to_owned()),
            ("session_authorization".to_owned(), user.to_owned()),
        ]);
        Self { initial, values: BTreeMap::new(), memory_max }
    }

    /// The name as it is written in the table, and its value.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &str)> {
        if let Some(setting) = find(name) {
            return Some((setting.name, self.value(setting)));
        }
        let (name, value) = self.values.get_key_value(&name.to_lowercase())?;
        Some((name, value))
    }

    fn value<'s>(&'s self, setting: &Setting) -> &'s str {
        self.values
            .get(setting.name)
            .or_else(|| self.initial.get(setting.name))
            .map_or(setting.default, String::as_str)
    }

    /// Sets a value, or with none its default. Answers what the client is to be told.
    ///
    /// # Errors
    /// When there is no such setting, or the value is not one that it takes.
    pub(super) fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Result<Option<(&'static str, String)>, SessionError> {
        if value.is_some_and(|value| value.len() > SETTING_BYTES_MAX) {
            let (what, limit) = ("bytes in a setting", SETTING_BYTES_MAX);
            return Err(SessionError::TooMany { what, limit });
        }
        let Some(setting) = find(name) else {
            return self.set_custom(name, value).map(|()| None);
        };
        match value {
            Some(value) => {
                let value = setting.check(value, self.value(setting), self.memory_max)?;
                self.values.insert(setting.name.to_owned(), value);
            }
            None => {
                self.values.remove(setting.name);
            }
        }
        let told =
            (setting.report == Report::Yes).then(|| (setting.name, self.value(setting).to_owned()));
        Ok(told)
    }

    /// Names with a dot are the client's own.
    fn set_custom(&mut self, name: &str, value: Option<&str>) -> Result<(), SessionError> {
        if !name.contains('.') {
            return Err(SessionError::UnknownSetting { name: name.to_owned() });
        }
        let name = name.to_lowercase();
        if self.values.len() >= SETTINGS_MAX && !self.values.contains_key(&name) {
            return Err(SessionError::TooMany { what: "settings", limit: SETTINGS_MAX });
        }
        match value {
            Some(value) => self.values.insert(name, value.to_owned()),
            None => self.values.remove(&name),
        };
        Ok(())
    }

    /// Makes what was set at startup the value that RESET returns to.
    pub(super) fn keep_as_initial(&mut self) {
        self.initial.append(&mut self.values);
    }

    /// RESET ALL.
    pub(super) fn reset(&mut self) {
        self.values.clear();
    }

    /// Every setting in alphabetical order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        SETTINGS.iter().map(|setting| (setting.name, self.value(setting)))
    }

    /// The settings that clients are told at startup.
    pub(super) fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        SETTINGS
            .iter()
            .filter(|setting| setting.report == Report::Yes)
            .map(|setting| (setting.name, self.value(setting)))
    }

    /// How long a statement may run; none for ever.
    pub(super) fn statement_timeout(&self) -> Option<Duration> {
        let (_, value) = self.get("statement_timeout")?;
        parse_duration(value).filter(|time| !time.is_zero())
    }

    /// Bytes of working memory that a statement may take.
    pub(super) fn statement_memory(&self) -> usize {
        let set = self.get("statement_memory").and_then(|(_, value)| memory::parse(value));
        set.map_or(self.memory_max, |set| set.min(self.memory_max))
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|(_, value)| {
            ["on", "true", "yes", "1"].iter().any(|on| value.eq_ignore_ascii_case(on))
        })
    }

    /// Whether the client wants notices.
    pub(super) fn wants_notices(&self) -> bool {
        self.get("client_min_messages").is_none_or(|(_, level)| {
            !["warning", "error", "fatal", "panic"].iter().any(|l| level.eq_ignore_ascii_case(l))
        })
    }
}

impl Setting {
    /// The value as it is kept.
    fn check(&self, value: &str, current: &str, memory_max: usize) -> Result<String, SessionError> {
        let wrong = |allowed: &str| SessionError::BadSetting {
            name: self.name,
            value: value.to_owned(),
            allowed: allowed.to_owned(),
        };
        match self.rule {
            Rule::Any => Ok(value.to_owned()),
            Rule::Told if value == current => Ok(value.to_owned()),
            Rule::Told => Err(SessionError::FixedSetting { name: self.name }),
            Rule::OneOf(allowed) => {
                if allowed.iter().any(|one| one.eq_ignore_ascii_case(value)) {
                    let canonical = self.name == "client_encoding" && value != "SQL_ASCII";
                    Ok(if canonical { "UTF8".to_owned() } else { value.to_owned() })
                } else {
                    Err(wrong(&allowed.join(", ")))
                }
            }
            Rule::Duration => parse_duration(value)
                .map(|_| value.to_owned())
                .ok_or_else(|| wrong("milliseconds, or a number with ms, s, min or h")),
            Rule::Memory => match memory::parse(value) {
                Some(bytes) if (1..=memory_max).contains(&bytes) => Ok(memory::text(bytes)),
                _ => {
                    let most = memory::text(memory_max);
                    Err(wrong(&format!(
                        "kilobytes, or a number with B, kB, MB or GB, up to the {most} that \
                         `serve --statement-memory` allows"
                    )))
                }
            },
            Rule::IsoDates => {
                let iso = value.get(..3).is_some_and(|style| style.eq_ignore_ascii_case("iso"));
                let order_only =
                    ["MDY", "DMY", "YMD"].iter().any(|o| o.eq_ignore_ascii_case(value));
                if iso || order_only { Ok(self.default.to_owned()) } else { Err(wrong("ISO")) }
            }
        }
    }
}

/// A number of milliseconds, or with a unit.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit_ms = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    // PostgreSQL keeps it in a signed 32-bit integer.
    let milliseconds = number.checked_mul(unit_ms).filter(|ms| *ms <= 2_147_483_647)?;
    Some(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use std::time::Duration;

    fn settings() -> Settings {
        Settings::new("Asia/Shanghai", "ann", 1 << 30)
    }

    #[test]
    fn drivers_find_what_they_ask_for() {
        let settings = settings();
        let reported: Vec<_> = settings.reported().map(|(name, _)| name).collect();
        for name in [
            "server_version",
            "server_encoding",
            "client_encoding",
            "DateStyle",
            "integer_datetimes",
            "standard_conforming_strings",
            "TimeZone",
        ] {
            assert!(reported.contains(&name), "{name}");
        }
        assert_eq!(settings.get("timezone"), Some(("TimeZone", "Asia/Shanghai")));
        assert_eq!(settings.get("no_such"), None);
    }

    #[test]
    fn values_are_checked_and_reset() {
        let mut settings = settings();
        assert_eq!(settings.statement_timeout(), None);
        assert!(settings.set("STATEMENT_TIMEOUT", Some("2s")).unwrap().is_none());
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(2)));
        assert!(settings.set("statement_timeout", Some("soon")).is_err());
        assert!(settings.set("statement_timeout", Some("99999999999999999999")).is_err());
        settings.set("statement_timeout", None).unwrap();
        assert_eq!(settings.statement_timeout(), None);
        assert_eq!(settings.statement_memory(), 1 << 30);
        assert_eq!(settings.get("statement_memory"), Some(("statement_memory", "1GB")));
        settings.set("statement_memory", Some("65536")).unwrap();
        assert_eq!(settings.get("statement_memory"), Some(("statement_memory", "64MB")));
        assert_eq!(settings.statement_memory(), 64 << 20);
        let refused = settings.set("statement_memory", Some("2GB")).unwrap_err();
        assert!(refused.hint().unwrap().contains("1GB"), "{refused:?}");
        assert!(settings.set("statement_memory", Some("0")).is_err());
        assert!(settings.set("statement_memory", Some("lots")).is_err());
        settings.set("statement_memory", None).unwrap();
        assert_eq!(settings.statement_memory(), 1 << 30);
        assert!(settings.set("client_encoding", Some("LATIN1")).is_err());
        assert!(settings.set("client_encoding", Some("'utf-8'")).is_err());
        let told = settings.set("client_encoding", Some("utf-8")).unwrap();
        assert_eq!(told, Some(("client_encoding", "UTF8".to_owned())));
        assert!(settings.set("server_version", Some("16")).is_err());
        assert!(settings.set("no_such", Some("1")).is_err());
        assert!(settings.set("my.long", Some(&"x".repeat(1 << 20))).is_err());
        settings.set("my.own", Some("1")).unwrap();
        let many = (0..1_000).filter(|n| settings.set(&format!("my.n{n}"), Some("1")).is_ok());
        assert!(many.count() < 300);
        settings.reset();
        settings.set("my.own", Some("1")).unwrap();
        assert_eq!(settings.get("MY.own"), Some(("my.own", "1")));
        assert!(settings.set("datestyle", Some("German")).is_err());
        settings.set("application_name", Some("psql")).unwrap();
        settings.keep_as_initial();
        settings.set("application_name", Some("other")).unwrap();
        settings.reset();
        assert_eq!(settings.get("application_name"), Some(("application_name", "psql")));
    }
}
