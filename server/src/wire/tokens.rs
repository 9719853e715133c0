//! Words, strings and symbols of COPY and of the statements that drivers send.

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A bare word or number.
    Word(&'t str),
    /// A `"quoted"` name.
    Name(String),
    /// A `'quoted'` string.
    Text(String),
    /// Anything else, one character.
    Symbol(char),
}

/// The pieces of a statement, read from the left.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token begins, in bytes.
    pub(super) fn place(&self) -> usize {
        let mut ahead = self.clone();
        ahead.skip_blank();
        ahead.at
    }

    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.clone().next()
    }

    /// Whether only blanks and semicolons are left.
    pub(super) fn at_end(&self) -> bool {
        self.clone().all(|token| token == Token::Symbol(';'))
    }

    /// Takes the word when it comes next, in any case.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = matches!(ahead.next(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        if found {
            *self = ahead;
        }
        found
    }

    /// Takes the words when they come next, all of them or none.
    pub(super) fn take_words(&mut self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = words.iter().all(|word| ahead.take_word(word));
        if found {
            *self = ahead;
        }
        found
    }

    /// Takes the symbol when it comes next.
    pub(super) fn take_symbol(&mut self, symbol: char) -> bool {
        let mut ahead = self.clone();
        let found = ahead.next() == Some(Token::Symbol(symbol));
        if found {
            *self = ahead;
        }
        found
    }

    /// Takes a bare or quoted name; bare ones in lower case, as PostgreSQL folds them.
    pub(super) fn take_name(&mut self) -> Option<String> {
        let mut ahead = self.clone();
        let name = match ahead.next()? {
            Token::Word(word) => word.to_lowercase(),
            Token::Name(name) => name,
            Token::Text(_) | Token::Symbol(_) => return None,
        };
        *self = ahead;
        Some(name)
    }

    /// Takes a `'string'`.
    pub(super) fn take_text(&mut self) -> Option<String> {
        let mut ahead = self.clone();
        let Some(Token::Text(text)) = ahead.next() else { return None };
        *self = ahead;
        Some(text)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += comment_length(rest);
            } else if blank == 0 {
                return;
            }
        }
    }

    /// The content of a quoted piece that begins here; a doubled quote is one.
    fn quoted(&mut self, quote: char) -> String {
        let mut content = String::new();
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((offset, character)) = characters.next() {
            if character != quote {
                content.push(character);
            } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
                content.push(quote);
                characters.next();
            } else {
                self.at += offset + 1;
                return content;
            }
        }
        self.at = self.text.len();
        content
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_blank();
        let rest = self.rest();
        let first = rest.chars().next()?;
        match first {
            '\'' => Some(Token::Text(self.quoted('\''))),
            '"' => Some(Token::Name(self.quoted('"'))),
            _ if is_word(first) => {
                let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                self.at += length;
                rest.get(..length).map(Token::Word)
            }
            _ => {
                self.at += first.len_utf8();
                Some(Token::Symbol(first))
            }
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Bytes of the (possibly nested) comment that `text` begins with.
fn comment_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};

    #[test]
    fn pieces_are_told_apart() {
        let text = "SET /* a /* b */ c */ x='it''s' -- end\n, \"雅\"\"诗\".1;";
        let tokens: Vec<_> = Tokens::new(text).collect();
        assert_eq!(
            tokens,
            [
                Token::Word("SET"),
                Token::Word("x"),
                Token::Symbol('='),
                Token::Text("it's".to_owned()),
                Token::Symbol(','),
                Token::Name("雅\"诗".to_owned()),
                Token::Symbol('.'),
                Token::Word("1"),
                Token::Symbol(';'),
            ]
        );
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in ["'a", "\"a", "/* a", "/*/", "--", "'a''", ""] {
            assert!(Tokens::new(text).count() <= 1, "{text}");
        }
    }
}
