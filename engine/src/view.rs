//! One unchanging, resolved view of a store: what a statement reads.

use std::sync::Arc;

use throng_query::catalog::Currency;
use throng_query::date::Date;
use throng_query::plan::{AttributeRef, AttributeType, AudienceKind, Division, Model, Set, State};
use throng_storage::error::CorruptError;
use throng_storage::index::IndexFile;
use throng_storage::names::NameTable;
use throng_storage::store::{KeyTable, Snapshot, Store};

use crate::attribute::AttributeLayout;
use crate::brand_lanes::{BrandLanes, LaneCache};
use crate::definition::Definitions;
use crate::error::DefinitionError;
use crate::exec::Beginnings;
use crate::matched::MatchLists;
use crate::memo::Memo;
use crate::universe::{Gathered, Universe};

/// Filters of lanes may take this part of what the memo may take, beside it.
const FILTERS_SHARE: usize = 4;

/// Everything a statement may ask: a snapshot with its definitions decoded. Threads share it.
#[derive(Debug)]
pub struct View {
    snapshot: Arc<Snapshot>,
    definitions: Arc<Definitions>,
    currency: Currency,
    newest_day: Option<i32>,
    universe: Gathered,
    beginnings: Beginnings,
    lanes: LaneCache,
    match_lists: MatchLists,
    memo: Arc<Memo>,
}

/// An audience, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Audience {
    /// Its name.
    pub name: String,
    /// Live, or frozen as of a day (which is always given here, unless the store was empty).
    pub kind: AudienceKind,
    /// Who is in a live audience. A frozen one hangs on nothing: here it is [`Set::All`], and its
    /// members are in its index.
    pub set: Set,
    /// The set as it was written.
    pub text: String,
    /// The models that a frozen audience was made by, with their versions, as far as it was said.
    pub models: Vec<(String, u32)>,
    /// Where the members of a frozen audience are: set 0 of this index. None when it is live.
    pub index_key: Option<String>,
}

/// A brand's settings, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrandSettings {
    /// Categories whose active consumers are the brand's opportunity, as they were written.
    pub target_categories: Vec<String>,
    /// Their ids, ascending.
    pub target_category_ids: Vec<u32>,
}

/// An attribute, decoded.
#[derive(Debug, Clone)]
pub struct AttributeInfo {
    /// Whose, and its name.
    pub attribute: AttributeRef,
    /// Its type.
    pub kind: AttributeType,
    /// The key of its index.
    pub key: String,
    /// Its index; none while nothing is loaded.
    pub index: Option<Arc<IndexFile>>,
    /// What the sets of its index are.
    pub layout: AttributeLayout,
}

impl AttributeInfo {
    /// How many consumers' values are known.
    #[must_use]
    pub fn known(&self) -> u64 {
        let Some(index) = &self.index else { return 0 };
        match &self.layout {
            AttributeLayout::Empty => 0,
            AttributeLayout::Values(_) | AttributeLayout::Flags => {
                (0..index.sets()).map(|set| index.cardinality(set)).sum()
            }
            AttributeLayout::Slices { .. } => index.cardinality(0),
        }
    }
}

impl View {
    /// Resolves a snapshot. What an earlier view resolved alike is taken over from it.
    ///
    /// # Errors
    /// When stored bytes are not a definition of this version.
    pub fn resolve(
        store: &Store,
        snapshot: Arc<Snapshot>,
        before: Option<&Self>,
    ) -> Result<Self, DefinitionError> {
        let settings = store.settings();
        let currency = Currency { code: settings.currency.clone(), exponent: settings.exponent };
        let universe = Gathered::after(before.map(|view| &view.universe));
        let lanes = LaneCache::after(before.map(|view| &view.lanes));
        let before = before.map(|view| (&*view.snapshot, &view.definitions));
        let definitions = Definitions::resolve(&snapshot, &currency, before)?;
        let newest_day = snapshot.newest_day()?;
        Ok(Self {
            snapshot,
            definitions,
            currency,
            newest_day,
            universe,
            beginnings: Beginnings::default(),
            lanes,
            match_lists: MatchLists::default(),
            memo: Arc::default(),
        })
    }

    /// The same, with the sets that statements on other views asked for.
    #[must_use]
    pub(crate) fn with_memo(self, memo: &Arc<Memo>) -> Self {
        Self { memo: Arc::clone(memo), ..self }
    }

    /// The snapshot below.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Counts the commits: two views with the same version answer alike.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// Everything that was defined.
    #[must_use]
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The id of a brand; none when no event and no definition ever named it.
    #[must_use]
    pub fn brand_id(&self, name: &str) -> Option<u32> {
        self.snapshot.names().get(NameTable::Brand, name)
    }

    /// The id of a behaviour.
    #[must_use]
    pub fn behaviour_id(&self, name: &str) -> Option<u16> {
        let id = self.snapshot.names().get(NameTable::Behaviour, name)?;
        u16::try_from(id).ok()
    }

    /// The id of a touchpoint.
    #[must_use]
    pub fn touchpoint_id(&self, name: &str) -> Option<u32> {
        self.snapshot.names().get(NameTable::Touchpoint, name)
    }

    /// The id of a category.
    #[must_use]
    pub fn category_id(&self, name: &str) -> Option<u32> {
        self.snapshot.names().get(NameTable::Category, name)
    }

    /// The id of an item.
    ///
    /// # Errors
    /// When the dictionary's bytes do not match their checksum.
    pub fn item_id(&self, key: &str) -> Result<Option<u32>, CorruptError> {
        self.snapshot.id(KeyTable::Item, key.as_bytes())
    }

    /// A model, built in or defined.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<Arc<Model>> {
        self.definitions.model(name).cloned()
    }

    /// A partition of one's own.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<Arc<Division>> {
        self.definitions.partition(name).cloned()
    }

    /// A state, built in or defined.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<Arc<State>> {
        self.definitions.state(name).cloned()
    }

    /// Where tops of rankings begin, as far as they were asked for.
    pub(crate) fn beginnings(&self) -> &Beginnings {
        &self.beginnings
    }

    /// Sets kept between statements.
    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    /// Lists of audiences that MATCH was asked for.
    pub(crate) fn match_lists(&self) -> &MatchLists {
        &self.match_lists
    }

    /// An audience.
    #[must_use]
    pub fn audience(&self, name: &str) -> Option<Arc<Audience>> {
        self.definitions.audience(name).cloned()
    }

    /// A brand's settings; none when nothing was set.
    #[must_use]
    pub fn brand_settings(&self, name: &str) -> Option<Arc<BrandSettings>> {
        self.definitions.brand(name).cloned()
    }

    /// Ids of a brand's target categories, ascending; empty when it has none.
    #[must_use]
    pub fn target_categories(&self, brand: &str) -> &[u32] {
        self.definitions.brand(brand).map_or(&[], |settings| &settings.target_category_ids)
    }

    /// An attribute.
    #[must_use]
    pub fn attribute_info(&self, attribute: &AttributeRef) -> Option<Arc<AttributeInfo>> {
        self.definitions.attribute(attribute).cloned()
    }

    /// An index by its key.
    #[must_use]
    pub fn index(&self, key: &str) -> Option<&Arc<IndexFile>> {
        self.snapshot.index(key)
    }

    /// Everyone known by attributes: set 0 of this index.
    #[must_use]
    pub fn known(&self) -> Option<&Arc<IndexFile>> {
        self.snapshot.index(crate::attribute::KNOWN_KEY)
    }

    /// The lanes of a brand.
    pub(crate) fn brand_lanes(&self, brand: u32) -> Arc<BrandLanes> {
        self.lanes.get(brand, self.snapshot.segments())
    }

    /// The same for a question about one consumer, which may read so many rows to make such
    /// questions shorter: they are taken off.
    pub(crate) fn brand_lanes_for_one(&self, brand: u32, rows: &mut u64) -> Arc<BrandLanes> {
        let limit = self.memo.limit() / FILTERS_SHARE;
        self.lanes.get_for_one(brand, self.snapshot.segments(), rows, limit)
    }

    /// Bytes of what tells whom lanes do not have.
    pub(crate) fn filter_bytes(&self) -> usize {
        self.lanes.filter_bytes()
    }

    /// Whether the universe was gathered, or is never.
    pub(crate) fn is_universe_ready(&self) -> bool {
        self.universe.is_ready(&self.snapshot)
    }

    /// The universe by day; none when the store has more consumers than are kept in memory.
    pub(crate) fn universe(&self) -> Result<Option<Arc<Universe>>, CorruptError> {
        self.universe.get(&self.snapshot)
    }

    /// The day of the newest event; none in a store without events.
    #[must_use]
    pub fn newest_day(&self) -> Option<i32> {
        self.newest_day
    }

    /// The day of the oldest event; none in a store without events.
    #[must_use]
    pub fn oldest_day(&self) -> Option<i32> {
        self.snapshot.segments().iter().map(|segment| segment.first_day()).min()
    }

    /// The day a statement is asked as of: the one given, the newest with data, or 1970-01-01 in a
    /// store without events.
    #[must_use]
    pub fn as_of(&self, asked: Option<Date>) -> Date {
        asked.unwrap_or(Date(self.newest_day.unwrap_or(0)))
    }

    /// One more than the largest chunk with a consumer.
    #[must_use]
    pub fn chunk_end(&self) -> u32 {
        self.snapshot.keys(KeyTable::Consumer).div_ceil(1 << 16)
    }

    /// The store's currency.
    #[must_use]
    pub fn currency(&self) -> &Currency {
        &self.currency
    }
}
