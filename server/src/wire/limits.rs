//! Named bounds of the wire protocol.

use std::time::Duration;

/// Clients connected at once; more are refused with `53300`.
pub(super) const CONNECTIONS_MAX: usize = 256;
/// Connections that have not sent their startup message yet; more wait in the listener's queue.
pub(super) const STARTUPS_MAX: usize = 64;
/// Statements running at once; more wait for their turn.
pub(super) const STATEMENTS_RUNNING_MAX: usize = 32;
/// How long a client may take for its startup message.
pub(super) const STARTUP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long running statements may go on after the server was told to end.
pub(super) const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// How long after that the server waits for connections to be told.
pub(super) const SHUTDOWN_LAST: Duration = Duration::from_secs(5);
/// Bytes of one message of a client, a bound on what a connection buffers.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Prepared statements of one connection.
pub(super) const PREPARED_MAX: usize = 4_096;
/// Bytes of the texts of one connection's prepared statements.
pub(super) const PREPARED_BYTES_MAX: usize = 32 << 20;
/// Portals of one connection.
pub(super) const PORTALS_MAX: usize = 64;
/// Bytes of the values of one portal.
pub(super) const PORTAL_BYTES_MAX: usize = 1 << 20;
/// Settings of the client's own, `a.b`, of one connection.
pub(super) const SETTINGS_MAX: usize = 256;
/// Bytes of the value of a setting.
pub(super) const SETTING_BYTES_MAX: usize = 16 << 10;
/// Bytes of COPY that are collected before they are handed to a statement thread.
pub(super) const COPY_CHUNK_BYTES: usize = 256 << 10;
/// Bytes of rows that all COPYs under way have taken together. One COPY has a limit of its own,
/// `throng::import::copy::COPY_BYTES_MAX`.
pub(super) const COPIES_BYTES_MAX: usize = 1 << 30;

const _: () = assert!(COPY_CHUNK_BYTES < MESSAGE_BYTES_MAX);
