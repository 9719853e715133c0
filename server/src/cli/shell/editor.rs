//! The line editor: history, lines until the semicolon, completion.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use reedline::{
    ColumnarMenu, Completer, CompletionResult, EditCommand, Emacs, FileBackedHistory, KeyCode,
    KeyModifiers, MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline,
    ReedlineEvent, ReedlineMenu, Span, Suggestion, ValidationResult, Validator,
    default_emacs_keybindings,
};
use throng::Database;
use throng::query::{CompletionKind, complete, is_complete};

use super::command;

/// Statements that the history keeps.
const HISTORY_MAX: usize = 10_000;
const MENU: &str = "completion";

/// A line editor for a store.
pub(super) fn editor(database: &Arc<Database>) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let tab = vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(tab));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let newline = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline);
    let menu = Box::new(ColumnarMenu::default().with_name(MENU));
    let editor = Reedline::create()
        .with_completer(Box::new(Names { database: Arc::clone(database) }))
        .with_menu(ReedlineMenu::EngineCompleter(menu))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_validator(Box::new(UntilSemicolon))
        .with_quick_completions(true)
        .with_partial_completions(true);
    // A shell without a history file is better than none.
    match history_path().map(|path| FileBackedHistory::with_file(HISTORY_MAX, path)) {
        Some(Ok(history)) => editor.with_history(Box::new(history)),
        _ => editor,
    }
}

/// `$XDG_STATE_HOME/throng/history`, or `~/.throng_history`.
fn history_path() -> Option<PathBuf> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match from("XDG_STATE_HOME") {
        Some(state) => Some(state.join("throng").join("history")),
        None => from("HOME").map(|home| home.join(".throng_history")),
    }
}

/// A statement goes on until its semicolon; the shell's own words do not need one.
struct UntilSemicolon;

impl Validator for UntilSemicolon {
    fn validate(&self, text: &str) -> ValidationResult {
        if is_complete(text) || command::parse(text).is_some() {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

/// Completes words of the language and names of the store.
struct Names {
    database: Arc<Database>,
}

impl Completer for Names {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let Ok(view) = self.database.view() else {
            return CompletionResult::fresh(Vec::new());
        };
        let suggestions: Vec<Suggestion> = complete(line, cursor, &*view)
            .into_iter()
            .map(|found| Suggestion {
                value: found.text,
                span: Span::new(found.replaces.start, found.replaces.end),
                // A brand's name is mostly followed by a point.
                append_whitespace: found.kind == CompletionKind::Keyword,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

/// `data> `, with the directory's name.
#[derive(Debug)]
pub(super) struct StorePrompt {
    pub(super) name: String,
}

impl Prompt for StorePrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
