//! Troubles, remedies and losses in words.

use throng_query::date::Date;
use throng_storage::store::{Loss, LossSource, Remedy, Trouble};

use crate::attribute::KNOWN_KEY;
use crate::definition::DefinitionKind;
use crate::error::kind_word;

/// What can be done about a trouble: one sentence.
#[must_use]
pub fn remedy(trouble: &Trouble) -> String {
    match &trouble.remedy {
        Remedy::RebuildCatalog => "the catalog can be made anew from the store".to_owned(),
        Remedy::RebuildPart { .. } => {
            "its keys are whole: it can be written again with a new hash table".to_owned()
        }
        Remedy::RewriteSegment { .. } if trouble.losses.is_empty() => {
            "its events are whole: it can be written again".to_owned()
        }
        Remedy::RewriteSegment { .. } => {
            "it can be written again without the lanes that cannot be read".to_owned()
        }
        Remedy::DropSegment { .. } => "it can be taken out of the store".to_owned(),
        Remedy::DropIndex { .. } => "it can be taken out of the store".to_owned(),
        Remedy::CutLog => "the log can be cut before the damage".to_owned(),
        Remedy::RewriteDump => {
            "the definitions are whole in the catalog: it can be written again".to_owned()
        }
        Remedy::Restore => "it cannot be repaired; restore a backup".to_owned(),
    }
}

/// What is lost: one line.
#[must_use]
pub fn loss(loss: &Loss) -> String {
    match loss {
        Loss::Events { brand, behaviour, days, events, consumers, source } => {
            let doubt = match source {
                LossSource::Verified => "",
                LossSource::Unverified => ", as its damaged directory says",
            };
            let (first, last) = (Date(days.0), Date(days.1));
            format!(
                "`{behaviour}` of brand `{brand}` from {first} to {last}: {events} events of \
                 {consumers} consumers{doubt}"
            )
        }
        Loss::UnknownEvents { path, bytes } => format!(
            "all events of {} ({bytes} bytes); which they are can no longer be read",
            path.display()
        ),
        Loss::Index { key } => index(key),
        Loss::Batch { sequence, events, definitions, forgotten, token } => {
            let mut out = format!("batch {sequence} of the log: {events} events");
            for (kind, name) in definitions {
                let kind = DefinitionKind::from_number(*kind);
                let word = kind.map_or("definition", |kind| kind_word(kind.name_kind()));
                out.push_str(&format!(", the change of {word} `{name}`"));
            }
            if *forgotten > 0 {
                let again = "who are known again: forget them again";
                out.push_str(&format!(", the forgetting of {forgotten} consumers, {again}"));
            }
            if let Some(token) = token {
                out.push_str(&format!("; sent with token `{token}`"));
            }
            out
        }
        Loss::UnknownBatches { from, to: Some(to) } if from == to => {
            format!("batch {from} of the log; what it was can no longer be read")
        }
        Loss::UnknownBatches { from, to: Some(to) } => {
            format!("batches {from} to {to} of the log; what they were can no longer be read")
        }
        Loss::Tokens { count } => format!(
            "{count} tokens of batches and loads, some of which are lost: what is sent again with \
             one of them is taken again"
        ),
        Loss::UnknownBatches { from, to: None } => {
            format!("every batch of the log from {from} on; what they were can no longer be read")
        }
    }
}

fn index(key: &str) -> String {
    if key == KNOWN_KEY {
        return "who is known by attributes without any value; the others are found again by \
                their values"
            .to_owned();
    }
    if let Some(name) = key.strip_prefix("attr:") {
        return format!("the values of attribute `{}`; load them again", plain(name));
    }
    if let Some(name) = key.strip_prefix("audience:") {
        return format!("the members of the frozen audience `{name}`; freeze it again");
    }
    format!("the index `{key}`")
}

/// A name as it was before it was escaped for a key.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        out.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_so_that_they_can_be_loaded_again() {
        let events = Loss::Events {
            brand: "estee".into(),
            behaviour: "buy".into(),
            days: (17_000, 17_012),
            events: 12,
            consumers: 5,
            source: LossSource::Verified,
        };
        assert_eq!(
            loss(&events),
            "`buy` of brand `estee` from 2016-07-18 to 2016-07-30: 12 events of 5 consumers"
        );
        let key = |key: &str| loss(&Loss::Index { key: key.into() });
        assert!(key("attr:estee.a\\.b").contains("`estee.a.b`"));
        assert!(key("audience:warm").contains("frozen audience `warm`"));
        let batches = Loss::UnknownBatches { from: 7, to: Some(7) };
        assert!(loss(&batches).starts_with("batch 7 of the log;"));
    }
}
