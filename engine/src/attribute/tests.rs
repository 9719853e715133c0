//! Merged indexes against a map of values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::index::IndexFile;

use super::*;
use crate::view::{AttributeInfo, View};

fn open(bytes: Vec<u8>) -> Arc<IndexFile> {
    Arc::new(IndexFile::from_bytes(bytes, PathBuf::from("test")).unwrap())
}

/// An attribute, loaded again and again.
struct Column {
    kind: AttributeType,
    info: AttributeInfo,
    naive: BTreeMap<u32, AttributeValue>,
}

impl Column {
    fn new(kind: AttributeType) -> Self {
        let attribute = AttributeRef { brand: None, name: "a".to_owned() };
        let key = index_key(&attribute);
        let layout = AttributeLayout::Empty;
        let info = AttributeInfo { attribute, kind, key, index: None, layout };
        Self { kind, info, naive: BTreeMap::new() }
    }

    fn load(&mut self, rows: &[(u32, AttributeValue)]) {
        let mut load = AttributeLoad::default();
        let column = load.column(self.info.attribute.clone(), self.kind);
        for (consumer, value) in rows {
            load.value(column, *consumer, value).unwrap();
            self.naive.insert(*consumer, value.clone());
        }
        let values = load.into_values().remove(0);
        let old = self.info.index.as_deref().map(|index| (index, &self.info.layout));
        let (layout, sets) = merge(old, values).unwrap().unwrap();
        let index = open(index_of_sets(layout.encode(), &sets));
        self.info.layout = AttributeLayout::decode(index.header(), index.sets()).unwrap();
        assert_eq!(self.info.layout, layout);
        self.info.index = Some(index);
    }

    fn check(&self, others: impl Iterator<Item = u32>) {
        for (&consumer, value) in &self.naive {
            assert_eq!(value_of(&self.info, consumer).unwrap().as_ref(), Some(value));
        }
        for consumer in others.filter(|other| !self.naive.contains_key(other)) {
            assert_eq!(value_of(&self.info, consumer).unwrap(), None);
        }
        assert_eq!(self.info.known(), self.naive.len() as u64);
        let index = self.info.index.as_deref().unwrap();
        if let AttributeLayout::Slices { min, bits } = self.info.layout {
            let mut cursor = NumberCursor::new(index, min, bits);
            let (mut all, mut chunk) = (Vec::new(), Vec::new());
            for number in 0..index.chunk_end() {
                cursor.chunk(number, &mut chunk).unwrap();
                all.append(&mut chunk);
            }
            let all = all.into_iter().map(|(c, v)| (c, AttributeValue::Number(v)));
            assert_eq!(all.collect::<BTreeMap<_, _>>(), self.naive);
        }
        if let AttributeLayout::Values(values) = &self.info.layout {
            assert!((0..index.sets()).all(|set| index.cardinality(set) > 0));
            assert!(values.is_sorted());
        }
    }
}

fn consumers() -> impl Strategy<Value = u32> {
    prop_oneof![0..300_u32, 65_500..65_600_u32, 1_000_000..1_000_040_u32]
}

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![
        -5..5_i64,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        (-1000..1000_i64).prop_map(|x| x * 86)
    ]
}

type Loads = Vec<Vec<(u32, AttributeValue)>>;

fn loads(values: impl Strategy<Value = AttributeValue>) -> impl Strategy<Value = Loads> {
    let load = prop::collection::vec((consumers(), values), 1..120);
    prop::collection::vec(load, 1..4)
}

fn check(kind: AttributeType, loads: &Loads) {
    let mut column = Column::new(kind);
    for load in loads {
        column.load(load);
        column.check((0..400).chain(65_490..65_610).chain(999_990..1_000_050));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn texts_read_back_as_last_loaded(
        loads in loads("[a-c岁]{0,2}".prop_map(AttributeValue::Text))
    ) {
        check(AttributeType::Text, &loads);
    }

    #[test]
    fn flags_read_back_as_last_loaded(
        loads in loads(any::<bool>().prop_map(AttributeValue::Boolean))
    ) {
        check(AttributeType::Boolean, &loads);
    }

    #[test]
    fn numbers_read_back_as_last_loaded(
        loads in loads(numbers().prop_map(AttributeValue::Number))
    ) {
        check(AttributeType::Integer, &loads);
    }
}

#[test]
fn a_number_takes_no_more_bits_than_its_range_also_after_merges() {
    let mut column = Column::new(AttributeType::Integer);
    let number = |consumer, value| (consumer, AttributeValue::Number(value));
    column.load(&[number(1, 100), number(2, 107)]);
    assert_eq!(column.info.layout, AttributeLayout::Slices { min: 100, bits: 3 });
    column.load(&[number(1, 107)]);
    assert_eq!(column.info.layout, AttributeLayout::Slices { min: 107, bits: 0 });
    column.load(&[number(3, 106)]);
    assert_eq!(column.info.layout, AttributeLayout::Slices { min: 106, bits: 1 });
    column.check(0..10);
}

#[test]
fn a_text_attribute_has_a_bounded_number_of_values() {
    let mut load = AttributeLoad::default();
    let attribute = AttributeRef { brand: None, name: "a".to_owned() };
    let column = load.column(attribute, AttributeType::Text);
    for i in 0..TEXT_VALUES_MAX {
        load.text(column, 1, &i.to_string()).unwrap();
    }
    load.text(column, 2, "0").unwrap();
    let error = load.text(column, 1, "one more").unwrap_err();
    assert!(error.to_string().contains("65537 different values"), "{error}");
    assert!(load.value(column, 1, &AttributeValue::Boolean(true)).is_err());
}

#[test]
fn a_load_merged_in_portions_is_the_load_merged_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let database =
        crate::Database::create(&folder.path().join("s"), &crate::CreateOptions::default())
            .unwrap();
    let store = database.store();
    let name = |name: &str| AttributeRef { brand: None, name: name.to_owned() };
    let mut expected = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
    for round in 0..2_u32 {
        let options = throng_storage::store::BulkOptions { token: None, memory: 1 << 20 };
        let mut bulk = store.bulk(options).unwrap();
        let mut keys = throng_storage::dictionary::KeyColumn::default();
        (0..70_000_u32).for_each(|i| keys.push(format!("id:{i}").as_bytes()));
        let mut ids = Vec::new();
        bulk.intern(throng_storage::store::KeyTable::Consumer, &keys, &mut ids).unwrap();
        let view = View::resolve(store, store.snapshot(), None).unwrap();
        let mut load = AttributeLoad::default();
        let columns = [
            load.column(name("text"), AttributeType::Text),
            load.column(name("flag"), AttributeType::Boolean),
            load.column(name("number"), AttributeType::Integer),
        ];
        for portion in 0..3_u32 {
            for step in 0..40_000_u32 {
                let consumer = (step * 7 + portion * 13_001 + round * 31) % 70_000;
                let number = i64::from(step * (portion + 1) % 101) - 50;
                let values = [
                    AttributeValue::Text(format!("t{}", number.rem_euclid(5))),
                    AttributeValue::Boolean(number > 0),
                    AttributeValue::Number(number),
                ];
                for ((column, value), known) in columns.iter().zip(values).zip(&mut expected) {
                    load.value(*column, consumer, &value).unwrap();
                    known.insert(consumer, value);
                }
            }
            load.settle(&view).unwrap();
            if portion < 2 {
                load.settle_now(&view).unwrap();
            }
        }
        load.write(store, &mut bulk).unwrap();
        bulk.commit(&mut |_, _| {}).unwrap();
    }
    let view = database.view().unwrap();
    for (known, name) in expected.iter().zip(["text", "flag", "number"].map(name)) {
        let info = view.attribute_info(&name).unwrap();
        assert_eq!(info.known(), known.len() as u64);
        for (consumer, value) in known.iter().step_by(97) {
            assert_eq!(value_of(&info, *consumer).unwrap().as_ref(), Some(value));
        }
    }
}
