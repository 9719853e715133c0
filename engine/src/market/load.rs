//! A market straight into a store, as one bulk load.

use throng_query::date::Date;
use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::dictionary::KeyColumn;
use throng_storage::names::{NameError, NameTable};
use throng_storage::store::{Bulk, BulkOptions, KeyTable, Outcome, WriteError};

use super::brands::Sector;
use super::funnel::Touchpoint;
use super::generate::{Market, MarketBlock};
use super::people::{People, Person};
use crate::attribute::{AttributeError, AttributeLoad, ColumnId};
use crate::database::Database;
use crate::definition::{BrandRecord, DefinitionKind, Standing, encode};

/// Keys of items that are given to the dictionary at once.
const ITEMS_AT_ONCE: u32 = 1 << 16;

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketProgress {
    /// So many events are made and handed to the store.
    Made(u64),
    /// So many of all events are written.
    Written {
        /// Written.
        done: u64,
        /// All.
        total: u64,
    },
}

/// Why a market could not be loaded. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum MarketLoadError {
    /// A name of the market cannot be kept.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The store has an attribute of the same name and another type.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A block with its keys, made by a worker.
struct Made {
    block: MarketBlock,
    consumers: KeyColumn,
    orders: KeyColumn,
}

/// The store's ids of the market's numbers; position i belongs to number i + 1.
struct Ids {
    brands: Vec<u32>,
    touchpoints: Vec<u32>,
    categories: Vec<u32>,
    items: Vec<u32>,
}

impl Market {
    /// Loads the whole market: events, attributes and the brands' target categories, all or
    /// nothing. Loading the same market again changes nothing.
    ///
    /// # Errors
    /// See [`MarketLoadError`].
    pub fn load(
        &self,
        database: &Database,
        threads: usize,
        memory: usize,
        progress: &mut dyn FnMut(MarketProgress),
    ) -> Result<Outcome, MarketLoadError> {
        let store = database.store();
        let mut bulk = store.bulk(BulkOptions { token: Some(self.token()), memory })?;
        if !bulk.repeated() {
            let ids = self.intern_names(database, &mut bulk)?;
            let mut attributes = AttributeColumns::new();
            let view = database.view().map_err(AttributeError::from)?;
            let mut made = 0;
            self.for_each(
                threads,
                |block| {
                    let (mut consumers, mut orders) = <(KeyColumn, KeyColumn)>::default();
                    let end = block.people.first.saturating_add(length(&block.people));
                    for number in block.people.first..end {
                        consumers.push(Self::consumer_key(number).as_bytes());
                    }
                    for order in 1..=block.orders {
                        orders.push(Self::order_key(block.index, order).as_bytes());
                    }
                    Made { block, consumers, orders }
                },
                |part| {
                    made += part.block.events.len() as u64;
                    take(&mut bulk, &ids, &mut attributes, part)?;
                    attributes.load.settle(&view)?;
                    progress(MarketProgress::Made(made));
                    Ok::<(), MarketLoadError>(())
                },
            )?;
            attributes.load.write(store, &mut bulk)?;
            self.define_brands(&mut bulk);
        }
        let outcome =
            bulk.commit(&mut |done, total| progress(MarketProgress::Written { done, total }))?;
        Ok(outcome)
    }

    /// What makes the load of this market happen once in a store.
    fn token(&self) -> String {
        let options = self.options();
        format!(
            "market:{}:{}:{}:{}:{}:{}",
            options.consumers,
            options.brands,
            options.events,
            options.days,
            options.seed,
            options.start
        )
    }

    fn intern_names(
        &self,
        database: &Database,
        bulk: &mut Bulk<'_>,
    ) -> Result<Ids, MarketLoadError> {
        let names = database.store().names();
        let intern = |table, name: &str| names.intern(table, name);
        let brands = self.brands().iter().map(|brand| intern(NameTable::Brand, &brand.name));
        let touchpoints = Touchpoint::ALL.iter().map(|t| intern(NameTable::Touchpoint, t.name()));
        let categories = Sector::category_names();
        let categories = categories.iter().map(|name| intern(NameTable::Category, name));
        let mut items = Vec::new();
        let end = self.brands().last().map_or(1, |brand| brand.first_item + brand.items);
        let mut next = 1;
        while next < end {
            let stop = end.min(next + ITEMS_AT_ONCE);
            let mut keys = KeyColumn::default();
            for item in next..stop {
                keys.push(Self::item_key(item).as_bytes());
            }
            let mut ids = Vec::new();
            bulk.intern(KeyTable::Item, &keys, &mut ids)?;
            items.append(&mut ids);
            next = stop;
        }
        Ok(Ids {
            brands: brands.collect::<Result<_, _>>()?,
            touchpoints: touchpoints.collect::<Result<_, _>>()?,
            categories: categories.collect::<Result<_, _>>()?,
            items,
        })
    }

    fn define_brands(&self, bulk: &mut Bulk<'_>) {
        for brand in self.brands() {
            let categories = Sector::ALL[brand.sector].categories;
            let record = BrandRecord {
                target_categories: categories.map(str::to_owned).to_vec(),
                standing: Standing::Created,
            };
            bulk.define(encode(DefinitionKind::Brand, &brand.name, &record));
        }
    }
}

fn length(people: &People) -> u32 {
    u32::try_from(people.all.len()).expect("a block is a part of at most 2^32 consumers")
}

/// Gives a block to the store.
fn take(
    bulk: &mut Bulk<'_>,
    ids: &Ids,
    attributes: &mut AttributeColumns,
    part: Made,
) -> Result<(), MarketLoadError> {
    let Made { block, consumers: consumer_keys, orders: order_keys } = part;
    let (mut consumers, mut orders) = (Vec::new(), Vec::new());
    bulk.intern(KeyTable::Consumer, &consumer_keys, &mut consumers)?;
    bulk.intern(KeyTable::Order, &order_keys, &mut orders)?;
    for (&consumer, person) in consumers.iter().zip(&block.people.all) {
        attributes.push(consumer, person)?;
    }
    let mut events = block.events;
    let first = block.people.first;
    events.consumer.iter_mut().for_each(|number| *number = consumers[(*number - first) as usize]);
    rename(&mut events.brand, &ids.brands);
    rename(&mut events.touchpoint, &ids.touchpoints);
    rename(&mut events.category, &ids.categories);
    rename(&mut events.item, &ids.items);
    rename(&mut events.order, &orders);
    bulk.push(events)?;
    Ok(())
}

/// Numbers from 1 to ids; 0 stays none.
fn rename(column: &mut [u32], ids: &[u32]) {
    for number in column.iter_mut().filter(|number| **number != 0) {
        *number = ids[*number as usize - 1];
    }
}

/// The attributes of a market on their way into a store.
struct AttributeColumns {
    load: AttributeLoad,
    age: ColumnId,
    gender: ColumnId,
    city_tier: ColumnId,
    power: ColumnId,
    birth_year: ColumnId,
    registered: ColumnId,
}

impl AttributeColumns {
    fn new() -> Self {
        let mut load = AttributeLoad::default();
        let mut column = |name: &str, kind| {
            load.column(AttributeRef { brand: None, name: name.to_owned() }, kind)
        };
        let age = column("age", AttributeType::Text);
        let gender = column("gender", AttributeType::Text);
        let city_tier = column("city_tier", AttributeType::Integer);
        let power = column("spending_power", AttributeType::Text);
        let birth_year = column("birth_year", AttributeType::Integer);
        let registered = column("registered", AttributeType::Date);
        Self { load, age, gender, city_tier, power, birth_year, registered }
    }

    fn push(&mut self, consumer: u32, person: &Person) -> Result<(), AttributeError> {
        self.load.consumer(consumer);
        if let Some(age) = person.known_age() {
            self.load.text(self.age, consumer, age.name())?;
        }
        if let Some(gender) = person.known_gender() {
            self.load.text(self.gender, consumer, gender.name())?;
        }
        self.load.text(self.power, consumer, person.power.name())?;
        self.number(self.city_tier, consumer, i64::from(person.city_tier))?;
        if let Some(year) = person.known_birth_year() {
            self.number(self.birth_year, consumer, i64::from(year))?;
        }
        let Date(registered) = person.registered;
        self.number(self.registered, consumer, i64::from(registered))
    }

    fn number(
        &mut self,
        column: ColumnId,
        consumer: u32,
        number: i64,
    ) -> Result<(), AttributeError> {
        self.load.value(column, consumer, &AttributeValue::Number(number))
    }
}
