//! Throng tested from outside: the tests are in `tests/it`.
