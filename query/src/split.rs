//! Cuts a text of several statements into single ones, without parsing them.

use std::ops::Range;

use crate::lexer::{Ending, Piece, piece};

/// The statements of a text, without their semicolons and the space around them. Semicolons in
/// quotes and comments do not count; pieces of only space and comments are left out. Text that
/// cannot be read is kept: its statement's parser will say what is wrong.
#[must_use]
pub fn split_statements(text: &str) -> Vec<Range<usize>> {
    let mut statements = Vec::new();
    let mut current: Option<Range<usize>> = None;
    let mut at = 0;
    while at < text.len() {
        let (piece, end) = piece(text, at);
        let is_end = matches!(piece, Piece::Other) && text.as_bytes().get(at) == Some(&b';');
        let is_blank = matches!(piece, Piece::Space | Piece::Comment(Ending::Closed));
        if is_end {
            statements.extend(current.take());
        } else if !is_blank {
            let start = current.take().map_or(at, |range| range.start);
            current = Some(start..end);
        }
        at = end;
    }
    statements.extend(current);
    statements
}

/// Whether a text typed so far is finished: nothing is open, and its last mark is a semicolon.
/// Text without any statement is finished too.
#[must_use]
pub fn is_complete(text: &str) -> bool {
    let mut complete = true;
    let mut at = 0;
    while at < text.len() {
        let (piece, end) = piece(text, at);
        match piece {
            Piece::Space | Piece::Comment(Ending::Closed) => {}
            Piece::Comment(Ending::Open) | Piece::Quote(_, Ending::Open) => return false,
            Piece::Quote(_, Ending::Closed) => complete = false,
            Piece::Other => complete = text.as_bytes().get(at) == Some(&b';'),
        }
        at = end;
    }
    complete
}

#[cfg(test)]
mod tests {
    use super::{is_complete, split_statements};

    fn split(text: &str) -> Vec<&str> {
        split_statements(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        assert_eq!(split("COUNT; SHOW BRANDS;"), ["COUNT", "SHOW BRANDS"]);
        assert_eq!(split(" ;; -- nothing; here\n /* nor; /* ; */ here */ ;"), [""; 0]);
        assert_eq!(split("COUNT WHERE a = ';' -- x;\n; COUNT"), ["COUNT WHERE a = ';'", "COUNT"]);
        assert_eq!(split("COUNT WHERE \"a;\"\";b\" = 1;x"), ["COUNT WHERE \"a;\"\";b\" = 1", "x"]);
        assert_eq!(split("COUNT /* a */ WHERE; 'open ; "), ["COUNT /* a */ WHERE", "'open ; "]);
        assert_eq!(split("雅诗兰黛;兰蔻"), ["雅诗兰黛", "兰蔻"]);
    }

    #[test]
    fn input_goes_on_until_a_semicolon_outside_quotes_and_comments() {
        for text in ["", " \n", "COUNT;", "COUNT; -- done", "COUNT ; /* a */ \n"] {
            assert!(is_complete(text), "{text:?}");
        }
        for text in
            ["COUNT", "COUNT; COUNT", "COUNT 'a;", "COUNT \"a;", "COUNT; /* a", "COUNT -- ;"]
        {
            assert!(!is_complete(text), "{text:?}");
        }
    }
}
