//! The document: what is between its markers is written, the rest is left alone.

use crate::Failure;

const END: &str = "<!-- end -->";

fn begin(name: &str) -> String {
    format!("<!-- compare: begin {name} -->")
}

/// A document that has nothing but places for what is found.
pub(super) fn empty(names: &[&str]) -> String {
    let mut out = String::from("# Benchmarks\n");
    for name in names {
        let missing = format!("Not measured yet: `cargo xtask compare --parts {name}`.");
        out += &format!("\n{}\n{missing}\n{END}\n", begin(name));
    }
    out
}

/// The document with something else between the markers of a name.
///
/// # Errors
/// When it has no such markers.
pub(super) fn with(text: &str, name: &str, generated: &str) -> Result<String, Failure> {
    let begin = begin(name);
    let (before, rest) = text.split_once(&begin).ok_or_else(|| {
        format!("the document has no place for {name}: add the lines `{begin}` and `{END}`")
    })?;
    let (_, after) =
        rest.split_once(END).ok_or_else(|| format!("`{begin}` is not followed by `{END}`"))?;
    Ok(format!("{before}{begin}\n{}\n{END}{after}", generated.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::{empty, with};

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = "why\n<!-- compare: begin a -->\nold\n<!-- end -->\nwhat binds\n\
                    <!-- compare: begin b -->\n<!-- end -->\n";
        let new = with(text, "a", "| 1 |\n\n").unwrap();
        assert_eq!(
            new,
            "why\n<!-- compare: begin a -->\n| 1 |\n<!-- end -->\nwhat binds\n\
             <!-- compare: begin b -->\n<!-- end -->\n"
        );
        assert_eq!(with(&new, "a", "| 1 |").unwrap(), new);
        assert!(with(text, "c", "x").unwrap_err().to_string().contains("no place for c"));
        assert!(with("<!-- compare: begin a -->", "a", "x").is_err());
    }

    #[test]
    fn an_empty_document_has_every_place() {
        let text = empty(&["a", "b"]);
        let text = with(&text, "a", "found").unwrap();
        assert!(text.contains("found") && text.contains("--parts b"));
    }
}
