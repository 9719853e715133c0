//! The project's files, and Rust source with its texts and comments blanked out.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the project.
pub struct SourceFile {
    /// Relative to the root, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// The same length, where strings, characters and comments are spaces; only for Rust.
    pub code: String,
}

/// A run of lines, counted from 1, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub first: usize,
    pub last: usize,
}

impl Lines {
    pub fn count(self) -> usize {
        self.last - self.first + 1
    }

    pub fn contains(self, line: usize) -> bool {
        (self.first..=self.last).contains(&line)
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file whose name ends with one of these.
pub fn files(endings: &[&str]) -> Vec<SourceFile> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, endings, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file below {}", root.display());
    found
}

/// Every Rust file.
pub fn rust_files() -> Vec<SourceFile> {
    files(&[".rs"])
}

/// Whether a file beside the code holds nothing but its tests: declared under `#[cfg(test)]`.
pub fn is_unit_test(path: &str) -> bool {
    let in_source = path.split_once("/src/").map(|(_, rest)| format!("/{rest}"));
    in_source.is_some_and(|rest| {
        rest.contains("/tests/") || rest.ends_with("/tests.rs") || rest.ends_with("_tests.rs")
    })
}

fn walk(root: &Path, dir: &Path, endings: &[&str], found: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let skipped = ["target", "data", "node_modules", "__pycache__"];
            if !skipped.contains(&name.as_str()) && (!name.starts_with('.') || name == ".ci") {
                walk(root, &path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let code = if name.ends_with(".rs") { blank(&text) } else { String::new() };
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(SourceFile { path, text, code });
        }
    }
}

impl SourceFile {
    /// The lines of each `#[cfg(test)]` item with a body.
    pub fn test_lines(&self) -> Vec<Lines> {
        let mut found = Vec::new();
        for (at, attribute) in self.code.match_indices("#[cfg(test)]") {
            let after = at + attribute.len();
            let next = self.code[after..].find(['{', ';']).map(|i| after + i);
            if let Some(open) = next.filter(|&i| self.code.as_bytes()[i] == b'{') {
                found.push(self.lines(at, closing(&self.code, open)));
            }
        }
        found
    }

    /// The name and lines of every function with a body.
    pub fn functions(&self) -> Vec<(String, Lines)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let before = self.code[..at].chars().next_back();
            let name: String = self.code[at + 3..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if name.is_empty() || before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            if let Some(open) = body(&self.code, at) {
                found.push((name, self.lines(at, closing(&self.code, open))));
            }
        }
        found
    }

    /// The lines in which a word stands as code.
    pub fn word_lines(&self, word: &str) -> Vec<usize> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices(word) {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            if !before.is_some_and(is_part) && !after.is_some_and(is_part) {
                found.push(self.line(at));
            }
        }
        found
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    fn lines(&self, from: usize, to: usize) -> Lines {
        Lines { first: self.line(from), last: self.line(to) }
    }
}

/// Where the body of the function at `at` opens; none for a declaration.
fn body(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (i, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(i),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the brace that opens at `open` closes.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (i, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    code.len() - 1
}

/// Source with its strings, characters and comments replaced by spaces, byte for byte.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(bytes, at);
        if end > at + 1 || !bytes[at].is_ascii() {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

/// The end of the comment, string or character that starts at `at`; else the next byte.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let is_start = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment(rest);
    }
    if rest[0] == b'"' {
        return at + quoted(rest, b'"');
    }
    if is_start && (rest.starts_with(b"r\"") || rest.starts_with(b"r#")) {
        return at + raw_string(rest);
    }
    if is_start && (rest.starts_with(b"br\"") || rest.starts_with(b"br#")) {
        return at + 1 + raw_string(&rest[1..]);
    }
    if rest[0] == b'\'' {
        let is_lifetime =
            rest.len() < 3 || (rest[1] != b'\\' && rest[2] != b'\'' && rest[1].is_ascii());
        return if is_lifetime { at + 1 } else { at + quoted(rest, b'\'') };
    }
    at + 1
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut i = 0;
    while i < rest.len() {
        if rest[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut i = 1;
    while i < rest.len() {
        match rest[i] {
            b'\\' => i += 2,
            byte if byte == quote => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 1;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let from = 2 + hashes;
    let found = rest[from..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |i| from + i + end.len())
}

#[test]
fn blanking_knows_strings_comments_and_lifetimes() {
    let text =
        r##"fn a<'x>(s: &'x str) { let _ = ("}", '{', b'\'', r#"" { "#); /* { /* */ } */ } // {"##;
    let file = SourceFile { path: String::new(), text: text.to_owned(), code: blank(text) };
    assert_eq!(file.code.len(), text.len());
    assert_eq!(file.code.matches(['{', '}']).count(), 2, "{}", file.code);
    assert_eq!(file.functions(), [("a".to_owned(), Lines { first: 1, last: 1 })]);
}

#[test]
fn test_modules_and_functions_are_found() {
    let text =
        "fn one();\nfn two()\n{\n}\n#[cfg(test)]\nmod tests {\n fn three() {}\n}\nfn f() {}\n";
    let file = SourceFile { path: String::new(), text: text.to_owned(), code: blank(text) };
    assert_eq!(file.test_lines(), [Lines { first: 5, last: 8 }]);
    let names: Vec<_> =
        file.functions().into_iter().map(|(name, lines)| (name, lines.count())).collect();
    assert_eq!(names, [("two".to_owned(), 3), ("three".to_owned(), 1), ("f".to_owned(), 1)]);
}
