//! Attribute indexes: values do not overlap, slices are within the known, the known within those
//! known at all; and every index belongs to a definition.

use std::path::Path;

use roaring::RoaringBitmap;
use throng_query::plan::AttributeType;
use throng_storage::error::CorruptError;
use throng_storage::index::IndexFile;
use throng_storage::store::{Fault, Finding, Survey};

use crate::attribute::{AttributeLayout, KNOWN_KEY, fits};
use crate::definition::{DefinitionKind, attribute_type, audience_key};

/// What is wrong with the indexes of a store. Files that are not sound are left out.
pub(super) fn check(survey: &Survey, sound: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let known = survey.indexes().find(|(key, index)| *key == KNOWN_KEY && sound(index.path()));
    let known = known.and_then(|(_, index)| index.read_set(0).ok());
    for (key, index) in survey.indexes().filter(|(_, index)| sound(index.path())) {
        let faults = match owner(survey, key) {
            Some(Owner::Attribute(kind)) => attribute(index, kind, known.as_ref()),
            Some(Owner::Set) => Ok(one_set(index)),
            None => Ok(vec![(0, Fault::Bytes("no definition has this index"))]),
        };
        let faults = faults.unwrap_or_else(|error| vec![(0, Fault::Bytes(error.what))]);
        for (set, fault) in faults {
            let fault = Fault::Set { key: key.to_owned(), set, fault: Box::new(fault) };
            findings.push(Finding::new(index.path(), 0, fault));
        }
    }
    findings
}

/// What an index is for.
enum Owner {
    /// The values of an attribute of a type; none when its definition does not decode.
    Attribute(Option<AttributeType>),
    /// One set: the known consumers, or the members of a frozen audience.
    Set,
}

fn owner(survey: &Survey, key: &str) -> Option<Owner> {
    if key == KNOWN_KEY {
        return Some(Owner::Set);
    }
    survey.definitions().iter().find_map(|((kind, name), value)| match DefinitionKind::from_number(
        *kind,
    )? {
        DefinitionKind::Attribute if name == key => Some(Owner::Attribute(attribute_type(value))),
        DefinitionKind::Audience if audience_key(name) == key => Some(Owner::Set),
        _ => None,
    })
}

type Faults = Vec<(u32, Fault)>;

fn one_set(index: &IndexFile) -> Faults {
    let (stated, found) = (1, u64::from(index.sets()));
    if found == stated {
        return Vec::new();
    }
    vec![(0, Fault::Differs { what: "sets", stated, found })]
}

fn attribute(
    index: &IndexFile,
    kind: Option<AttributeType>,
    known: Option<&RoaringBitmap>,
) -> Result<Faults, CorruptError> {
    let Ok(layout) = AttributeLayout::decode(index.header(), index.sets()) else {
        return Ok(vec![(0, Fault::Bytes("what its sets are does not decode"))]);
    };
    let mut faults = Vec::new();
    if kind.is_some_and(|kind| !fits(&layout, kind)) {
        faults.push((0, Fault::Bytes("its sets are of another type than the attribute")));
    }
    let slices = matches!(layout, AttributeLayout::Slices { .. });
    let mut all = RoaringBitmap::new();
    for set in 0..index.sets() {
        let members = index.read_set(set)?;
        let wrong = if slices && set > 0 {
            !members.is_subset(&all)
        } else {
            let overlaps = !members.is_disjoint(&all);
            all |= members;
            overlaps
        };
        if wrong {
            let what = if slices {
                "a bit of consumers whose value is not known"
            } else {
                "consumers with two values"
            };
            faults.push((set, Fault::Bytes(what)));
        }
    }
    if known.is_some_and(|known| !all.is_subset(known)) {
        faults.push((0, Fault::Bytes("consumers with a value who are not among the known")));
    }
    Ok(faults)
}
