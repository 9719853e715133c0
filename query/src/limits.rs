//! What a statement may be at most. Beyond any of these it is refused before it runs.

/// Bytes of one statement.
pub const STATEMENT_BYTES_MAX: usize = 1 << 20;
/// Parentheses and NOTs around one term.
pub const NESTING_DEPTH_MAX: usize = 100;
/// Values or names in one list.
pub const LIST_LENGTH_MAX: usize = 10_000;
/// Terms (single conditions) of one statement.
pub const TERMS_MAX: usize = 10_000;
/// The highest `$n`.
pub const PARAMETERS_MAX: usize = 65_535;
/// Sets of an OVERLAP of pairs.
pub const OVERLAP_PAIRS_OPERANDS_MAX: usize = 128;
/// Sets of an OVERLAP ... REGIONS.
pub const OVERLAP_REGIONS_OPERANDS_MAX: usize = 16;
/// Partitions of BY.
pub const PARTITIONS_MAX: usize = 6;
/// Attributes of a PROFILE.
pub const PROFILE_PARTITIONS_MAX: usize = 64;
/// Dates of EVERY.
pub const EVERY_DATES_MAX: usize = 4_000;
/// Stages of a model.
pub const MODEL_STAGES_MAX: usize = 64;
/// Behaviours that begin a state, and that end it: every pair is a condition of its own.
pub const STATE_BEHAVIOURS_MAX: usize = 16;
/// Days of `IN LAST n DAYS` and `ON n DAYS`: more than any store can hold.
pub const WINDOW_DAYS_MAX: u32 = 65_535;
/// Days of `HORIZON n DAYS`: ten years. Every fifteen of them are a pass over the store.
pub const HORIZON_DAYS_MAX: u32 = 3_650;
/// Days of `IN LAST n DAYS` of FAST and DEEPENING: each is a division of the universe by stages.
pub const PERIOD_DAYS_MAX: u32 = 366;
/// Days of `FORECAST n DAYS`: no series tells more than its own length of what comes.
pub const FORECAST_DAYS_MAX: u32 = 3_650;
/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 256;
/// Digits after the point of a decimal attribute.
pub const DECIMAL_SCALE_MAX: u8 = 9;

/// Every limit by name, for SHOW LIMITS.
#[must_use]
pub fn all() -> Vec<(&'static str, usize)> {
    vec![
        ("statement_bytes_max", STATEMENT_BYTES_MAX),
        ("nesting_depth_max", NESTING_DEPTH_MAX),
        ("list_length_max", LIST_LENGTH_MAX),
        ("terms_max", TERMS_MAX),
        ("parameters_max", PARAMETERS_MAX),
        ("overlap_pairs_operands_max", OVERLAP_PAIRS_OPERANDS_MAX),
        ("overlap_regions_operands_max", OVERLAP_REGIONS_OPERANDS_MAX),
        ("partitions_max", PARTITIONS_MAX),
        ("profile_partitions_max", PROFILE_PARTITIONS_MAX),
        ("every_dates_max", EVERY_DATES_MAX),
        ("model_stages_max", MODEL_STAGES_MAX),
        ("state_behaviours_max", STATE_BEHAVIOURS_MAX),
        ("window_days_max", WINDOW_DAYS_MAX as usize),
        ("horizon_days_max", HORIZON_DAYS_MAX as usize),
        ("period_days_max", PERIOD_DAYS_MAX as usize),
        ("forecast_days_max", FORECAST_DAYS_MAX as usize),
        ("name_bytes_max", NAME_BYTES_MAX),
        ("decimal_scale_max", DECIMAL_SCALE_MAX as usize),
    ]
}
