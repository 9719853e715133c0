//! `throng load events`.

use throng::import::{
    AmountUnit, EventColumn, EventOptions, LoadError, NewBehaviours, OptionError, Returns,
    Rounding, TimeOptions, load_events, preview_events,
};

use super::common::{CommonArgs, Target, source};
use super::progress::Bar;
use super::summary;
use crate::cli::{CliError, Context};

/// Load events.
///
/// Columns: consumer, brand, behaviour, time, and optionally touchpoint, category, item, order,
/// amount, count. Others are left out.
///
/// Examples:
///   throng --data shop load events events.csv
///   throng --data shop load events log.csv.gz --map consumer=user_id --map time=date \
///     --set brand=estee --values behaviour:0=click,1=buy
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// Take a column from one of another name. `amount=a*b` is the product of two.
    #[arg(long = "map", value_name = "COLUMN=SOURCE")]
    maps: Vec<String>,

    /// Give a column the same value in every row.
    #[arg(long = "set", value_name = "COLUMN=VALUE")]
    constants: Vec<String>,

    /// Translate values of brand, behaviour, touchpoint or category.
    #[arg(long, value_name = "COLUMN:FOUND=MEANT,...")]
    values: Vec<String>,

    /// How times are written: unix, unix-ms, or as for strptime (`%d/%m/%Y %H:%M`). Told from the
    /// first rows when absent.
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,

    /// The year of dates that have none.
    #[arg(long, value_name = "YEAR")]
    time_year: Option<i16>,

    /// Drop the `.0` of whole numbers such as 17850.0, in this column.
    #[arg(long, value_name = "COLUMN")]
    trim_zero: Vec<EventColumn>,

    /// Add behaviours that the store does not know, instead of rejecting their rows.
    #[arg(long)]
    new_behaviours: bool,

    /// Make a refund of a `buy` with a negative amount or count.
    #[arg(long)]
    returns_as_refunds: bool,

    /// Amounts are in the minor unit of the currency (fen, cents).
    #[arg(long)]
    minor_amounts: bool,

    /// Round amounts that have more decimals than the currency, halves away from zero.
    #[arg(long)]
    round_amounts: bool,
}

impl Args {
    fn options(&self) -> Result<EventOptions, OptionError> {
        let mut options = EventOptions {
            input: self.common.input(),
            time: TimeOptions { format: self.time_format.clone(), year: self.time_year },
            namespace: self.common.namespace.clone(),
            trim_zero: self.trim_zero.clone(),
            missing_consumer: self.common.missing_consumer(),
            mode: self.common.mode(),
            ..EventOptions::default()
        };
        if self.new_behaviours {
            options.new_behaviours = NewBehaviours::Add;
        }
        if self.returns_as_refunds {
            options.returns = Returns::Refund;
        }
        if self.minor_amounts {
            options.amount_unit = AmountUnit::Minor;
        }
        if self.round_amounts {
            options.rounding = Rounding::HalfUp;
        }
        self.maps.iter().try_for_each(|text| options.map(text))?;
        self.constants.iter().try_for_each(|text| options.set(text))?;
        self.values.iter().try_for_each(|text| options.translate(text))?;
        Ok(options)
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let mut options = args.options().map_err(LoadError::from)?;
    let mut target = Target::open(context, &args.common)?;
    for (at, file) in args.common.files.iter().enumerate() {
        options.token = args.common.token(at);
        options.rejects = args.common.rejects(at, file);
        let mut bar = Bar::new();
        let loaded = match &target.database {
            Some(database) => {
                load_events(database, source(file), &options, &mut |step| bar.show(step))
            }
            None => {
                let new = args.common.settings.options();
                preview_events(&new, source(file), &options, &mut |step| bar.show(step))
            }
        };
        bar.clear();
        let report = loaded?;
        target.keep();
        summary::write(&report, options.mode, "events")?;
    }
    Ok(())
}
