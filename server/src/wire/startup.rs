//! The first messages of a client: refusal of encryption, cancel requests, and the startup.

use std::collections::BTreeMap;
use std::io;

use futures::{SinkExt, StreamExt};
use pgwire::api::auth::protocol_negotiation;
use pgwire::api::{ClientInfo, PgWireConnectionState, PidSecretKeyGenerator};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::response::{GssEncResponse, SslResponse};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, SslNegotiationMetaMessage};

use super::connection::{Socket, fatal};
use super::error::error_info;
use super::server::Shared;
use super::settings::Settings;
use super::transaction::Session;

/// What a client connected for.
pub(super) enum Started {
    /// To ask: who it is, and what it set.
    Session(Box<Session>),
    /// To cancel, or it went away, or was refused.
    Over,
}

/// Takes the first messages of a client, up to the answer to its startup message.
///
/// # Errors
/// When the socket fails.
pub(super) async fn start(socket: &mut Socket, server: &Shared) -> io::Result<Started> {
    loop {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(PgWireError::IoError(error))) => return Err(error),
            Some(Err(error)) => {
                fatal(socket, error_info("FATAL", error.code(), error.to_string())).await?;
                return Ok(Started::Over);
            }
            None => return Ok(Started::Over),
        };
        match message {
            PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresSsl(_)) => {
                socket.send(PgWireBackendMessage::SslResponse(SslResponse::Refuse)).await?;
            }
            PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::PostgresGss(_)) => {
                socket.send(PgWireBackendMessage::GssEncResponse(GssEncResponse::Refuse)).await?;
            }
            PgWireFrontendMessage::SslNegotiation(SslNegotiationMetaMessage::None) => {
                socket.set_state(PgWireConnectionState::AwaitingStartup);
            }
            PgWireFrontendMessage::CancelRequest(request) => {
                server.connections.cancel(request.pid, &request.secret_key);
                return Ok(Started::Over);
            }
            PgWireFrontendMessage::Startup(startup) => {
                if let Err(error) = protocol_negotiation(socket, &startup).await {
                    fatal(socket, error_info("FATAL", error.code(), error.to_string())).await?;
                    return Ok(Started::Over);
                }
                let (process, secret) = server.keys.generate(socket);
                socket.set_pid_and_secret_key(process, secret);
                return match session(&startup.parameters, process, server) {
                    Ok(session) => Ok(Started::Session(Box::new(session))),
                    Err(info) => {
                        fatal(socket, info).await?;
                        Ok(Started::Over)
                    }
                };
            }
            _ => return Ok(Started::Over),
        }
    }
}

/// Tells the client that it is connected, and all that drivers want to know.
///
/// # Errors
/// When the socket fails.
pub(super) async fn welcome(socket: &mut Socket, session: &Session) -> io::Result<()> {
    socket.feed(PgWireBackendMessage::Authentication(Authentication::Ok)).await?;
    for (name, value) in session.settings.reported() {
        let status = ParameterStatus::new(name.to_owned(), value.to_owned());
        socket.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
    }
    let (process, secret) = socket.pid_and_secret_key();
    let key = BackendKeyData::new(process, secret);
    socket.feed(PgWireBackendMessage::BackendKeyData(key)).await?;
    socket.set_state(PgWireConnectionState::ReadyForQuery);
    Ok(())
}

/// The session that the startup's parameters ask for.
fn session(
    parameters: &BTreeMap<String, String>,
    process: i32,
    server: &Shared,
) -> Result<Session, Box<ErrorInfo>> {
    let refuse = |code: &str, message: String| error_info("FATAL", code, message);
    let user = match parameters.get("user") {
        Some(user) if !user.is_empty() => user.clone(),
        _ => return Err(refuse("28000", "the startup message names no user".to_owned())),
    };
    let database = parameters.get("database").unwrap_or(&user).clone();
    let mut settings = Settings::new(&server.time_zone, &user, server.options.statement_memory);
    for (name, value) in parameters {
        let given = match name.as_str() {
            "user" | "database" => continue,
            "replication" if ["false", "off", "no", "0"].contains(&value.as_str()) => continue,
            "replication" => {
                return Err(refuse("0A000", "there is no replication".to_owned()));
            }
            // Extensions of the protocol: none is known, and none has to be.
            _ if name.starts_with("_pq_.") => continue,
            "options" => options(value),
            _ => vec![(name.clone(), value.clone())],
        };
        for (name, value) in given {
            let set = settings.set(&name, Some(&value));
            set.map_err(|error| refuse(error.sqlstate(), error.to_string()))?;
        }
    }
    settings.keep_as_initial();
    Ok(Session::new(settings, user, database, process))
}

/// The settings in `options`: `-c name=value` and `--name=value`, a backslash before a space.
fn options(text: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => words.last_mut().into_iter().for_each(|word| word.extend(characters.next())),
            _ if character.is_whitespace() => words.push(String::new()),
            _ => words.last_mut().into_iter().for_each(|word| word.push(character)),
        }
    }
    words
        .iter()
        .map(|word| word.strip_prefix("--").or(word.strip_prefix("-c")).unwrap_or(word))
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.replace('-', "_"), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn options_carry_settings() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            options(r"-c statement_timeout=5s --application-name=a\ b -cjit=off"),
            [pair("statement_timeout", "5s"), pair("application_name", "a b"), pair("jit", "off"),]
        );
        assert_eq!(options(""), []);
    }
}
