//! `throng load attributes`.

use throng::import::{
    AttributeOptions, LoadError, OptionError, TrimZero, load_attributes, preview_attributes,
};

use super::common::{CommonArgs, Target, source};
use super::progress::Bar;
use super::summary;
use crate::cli::{CliError, Context};

/// Load attributes of consumers: a column `consumer` and one per attribute.
///
/// Types (text, integer, decimal, boolean, date) are found out from all values and shown. Of
/// several values for one consumer the last stands; an empty cell changes nothing.
///
/// Example:
///   throng --data shop load attributes people.csv --map consumer=household_id --type age=text
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// Take `consumer`, or an attribute, from a column of another name.
    #[arg(long = "map", value_name = "NAME=SOURCE")]
    maps: Vec<String>,

    /// Load only these attributes.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    only: Vec<String>,

    /// Give an attribute a type: text, integer, decimal(DIGITS), boolean or date.
    #[arg(long = "type", value_name = "NAME=TYPE")]
    types: Vec<String>,

    /// Load them as attributes of consumers at this brand.
    #[arg(long, value_name = "BRAND")]
    brand: Option<String>,

    /// Drop the `.0` of identities such as 17850.0.
    #[arg(long)]
    trim_zero: bool,
}

impl Args {
    fn options(&self) -> Result<AttributeOptions, OptionError> {
        let mut options = AttributeOptions {
            input: self.common.input(),
            only: self.only.clone(),
            brand: self.brand.clone(),
            namespace: self.common.namespace.clone(),
            trim_zero: if self.trim_zero { TrimZero::Trim } else { TrimZero::Keep },
            missing_consumer: self.common.missing_consumer(),
            mode: self.common.mode(),
            ..AttributeOptions::default()
        };
        self.maps.iter().try_for_each(|text| options.map(text))?;
        self.types.iter().try_for_each(|text| options.set_type(text))?;
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
                load_attributes(database, source(file), &options, &mut |step| bar.show(step))
            }
            None => preview_attributes(None, source(file), &options, &mut |step| bar.show(step)),
        };
        bar.clear();
        let report = loaded?;
        target.keep();
        summary::write(&report, options.mode, "rows")?;
    }
    Ok(())
}
