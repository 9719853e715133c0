//! `throng create`: an empty store with its time zone and currency.

use std::io::Write;

use throng::{CreateOptions, Database};

use super::{CliError, Context};

/// Make an empty store.
///
/// A store is also made by its first load, which takes the same options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What is fixed when a store is made.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsArgs {
    /// IANA time zone, in which days begin and end [default: Asia/Shanghai].
    #[arg(long, value_name = "ZONE")]
    pub(super) time_zone: Option<String>,

    /// ISO 4217 currency of all money [default: CNY].
    #[arg(long, value_name = "CODE")]
    pub(super) currency: Option<String>,
}

impl SettingsArgs {
    /// The settings of a new store.
    pub(super) fn options(&self) -> CreateOptions {
        let default = CreateOptions::default();
        CreateOptions {
            time_zone: self.time_zone.clone().unwrap_or(default.time_zone),
            currency: self.currency.clone().unwrap_or(default.currency),
        }
    }

    /// Refuses settings that contradict those of a store.
    pub(super) fn check(&self, database: &Database) -> Result<(), CliError> {
        let stored = database.store().settings();
        let pairs = [
            ("time zone", &self.time_zone, &stored.time_zone),
            ("currency", &self.currency, &stored.currency),
        ];
        for (what, asked, stored) in pairs {
            if let Some(asked) = asked
                && asked != stored
            {
                let (asked, stored) = (asked.clone(), stored.clone());
                return Err(CliError::Settings { what, asked, stored });
            }
        }
        Ok(())
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let options = args.settings.options();
    let made = Database::create(&context.data, &options);
    made.map_err(|source| CliError::Create { path: context.data.clone(), source })?;
    let CreateOptions { time_zone, currency } = options;
    writeln!(
        std::io::stdout(),
        "made a store in {}: time zone {time_zone}, currency {currency}",
        context.data.display()
    )?;
    Ok(())
}
