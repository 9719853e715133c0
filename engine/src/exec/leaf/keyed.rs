//! What consumers' rows are about: the different brands, touchpoints, categories, items or days
//! of each.

use throng_storage::segment::{ColumnSet, RowBuffer};

use super::Tools;
use super::lanes::LaneId;
use super::rows::RowTest;
use crate::error::ExecuteError;
use crate::exec::bounds::Bounds;
use crate::exec::program::{LaneChoice, RowChoice};
use crate::view::View;

/// What of a row is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// The brand's id.
    Brand,
    /// The touchpoint's id; 0 for none.
    Touchpoint,
    /// The item's id; 0 for none.
    Item,
    /// The category's id; 0 for none.
    Category,
    /// The day.
    Day,
    /// The category's id, then the day.
    CategoryDay,
}

impl RowKey {
    fn columns(self) -> ColumnSet {
        match self {
            Self::Brand => ColumnSet::NONE,
            Self::Touchpoint => ColumnSet::TOUCHPOINT,
            Self::Item => ColumnSet::ITEM,
            Self::Category => ColumnSet::CATEGORY,
            Self::Day => ColumnSet::DAY,
            Self::CategoryDay => ColumnSet::DAY.with(ColumnSet::CATEGORY),
        }
    }

    fn of(self, brand: u32, rows: &RowBuffer, row: usize) -> u64 {
        // Days are below 2^16 since 1970.
        let day = |rows: &RowBuffer| u64::try_from(rows.day[row]).unwrap_or(0);
        match self {
            Self::Brand => u64::from(brand),
            Self::Touchpoint => u64::from(rows.touchpoint[row]),
            Self::Item => u64::from(rows.item[row]),
            Self::Category => u64::from(rows.category[row]),
            Self::Day => day(rows),
            Self::CategoryDay => u64::from(rows.category[row]) << 16 | day(rows),
        }
    }
}

/// Rows and what is looked at of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyChoice {
    /// Which lanes.
    pub lanes: LaneChoice,
    /// Which rows of them; purchases that are void do not count.
    pub rows: RowChoice,
    /// What of each.
    pub key: RowKey,
}

/// Lanes read before the statement is asked again whether it may go on.
const LANES_AT_ONCE: usize = 16;

/// The keys of one chunk's consumers at a time.
#[derive(Debug)]
pub struct KeyReader<'v> {
    view: &'v View,
    choice: KeyChoice,
    /// Each lane with the void purchases of its brand, opened when first needed.
    lanes: Option<Vec<(LaneId, Option<usize>)>>,
    pairs: Vec<(u16, u64)>,
}

impl<'v> KeyReader<'v> {
    /// A reader of these rows.
    pub fn new(view: &'v View, choice: &KeyChoice) -> Self {
        Self { view, choice: choice.clone(), lanes: None, pairs: Vec::new() }
    }

    /// The different (position, key) pairs of a chunk, ascending. There may be thousands of lanes,
    /// so it ends in the middle when the statement does.
    ///
    /// # Errors
    /// When the bytes are corrupt, or the statement may not go on.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
        bounds: &Bounds,
    ) -> Result<&[(u16, u64)], ExecuteError> {
        self.open(tools);
        self.pairs.clear();
        let KeyChoice { rows: choice, key, .. } = &self.choice;
        for (number, (id, void)) in self.lanes.iter().flatten().enumerate() {
            if number % LANES_AT_ONCE == 0 {
                bounds.check()?;
            }
            if let Some(void) = void {
                tools.voids.load(*void, chunk, tools.touched)?;
            }
            let orders = void.and_then(|void| tools.voids.orders(void));
            let lane = tools.lanes.get(*id);
            let brand = lane.brand;
            let test = RowTest::new(choice, lane, orders);
            let Some(test) = test.at(lane, chunk)? else { continue };
            let Some(part) = lane.chunk(chunk)? else { continue };
            let (pairs, rows) = (&mut self.pairs, &mut tools.scratch.rows);
            test.for_each(&part, key.columns(), rows, tools.touched, |rows, row| {
                let pair = (rows.low[row], key.of(brand, rows, row));
                if pairs.last() != Some(&pair) {
                    pairs.push(pair);
                }
            })?;
        }
        self.pairs.sort_unstable();
        self.pairs.dedup();
        Ok(&self.pairs)
    }

    fn open(&mut self, tools: &mut Tools<'_, 'v>) {
        if self.lanes.is_some() {
            return;
        }
        let (view, KeyChoice { lanes, rows, .. }) = (self.view, &self.choice);
        let buy = view.behaviour_id("buy");
        let ids = tools.lanes.open(view, lanes, rows.first, rows.last);
        let opened = ids.into_iter().map(|id| {
            let lane = tools.lanes.get(id);
            let void = Some(lane.behaviour) == buy;
            (id, void.then(|| tools.voids.open(view, lane.brand, rows.as_of)).flatten())
        });
        self.lanes = Some(opened.collect());
    }
}
