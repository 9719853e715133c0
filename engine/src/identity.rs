//! Identities: how a consumer is named from outside.

/// The namespace that is not stored: `id:u1` is `u1`.
pub const DEFAULT_NAMESPACE: &str = "id";

/// An identity as the dictionary has it.
#[must_use]
pub fn key_of(identity: &str) -> &str {
    match identity.split_once(':') {
        Some((DEFAULT_NAMESPACE, value)) => value,
        _ => identity,
    }
}

/// The namespace and the value of a key of the dictionary.
#[must_use]
pub fn parts_of(key: &str) -> (&str, &str) {
    key.split_once(':').unwrap_or((DEFAULT_NAMESPACE, key))
}

#[cfg(test)]
mod tests {
    use super::{key_of, parts_of};

    #[test]
    fn the_default_namespace_is_not_stored() {
        assert_eq!((key_of("id:u1"), key_of("u1"), key_of("taobao:u1")), ("u1", "u1", "taobao:u1"));
        assert_eq!(parts_of("u1"), ("id", "u1"));
        assert_eq!(parts_of("device:9f:0c"), ("device", "9f:0c"));
    }
}
