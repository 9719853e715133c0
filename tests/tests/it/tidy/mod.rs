//! Tidiness is a test: what style rules demand of every file of the project.

mod layers;
mod ratchet;
mod rules;
mod source;
