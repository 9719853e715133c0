//! The wire protocol, asked by PostgreSQL's own driver and by bytes that no driver sends.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use postgres::error::{ErrorPosition, SqlState};
use postgres::types::Type;
use postgres::{Client, NoTls, SimpleQueryMessage};
use tempfile::TempDir;
use throng::{CreateOptions, Database};
use throng_server::wire::{Running, ServeOptions, check_loopback, start};

const EVENTS: &str = "\
u1,estee,buy,2017-11-01 10:00:00,100.00
u1,estee,buy,2017-11-05 10:00:00,50.50
u2,estee,buy,2017-10-01,20.00
u3,estee,cart,2017-11-10,
u4,estee,view,2017-11-11,
u5,estee,click,2017-11-09,
u1,雅诗兰黛,buy,2017-11-02,30.00
u3,雅诗兰黛,favorite,2017-11-11,
u6,雅诗兰黛,exposure,2017-11-11,
";

const COPY: &str =
    "COPY events (consumer, brand, behaviour, time, amount) FROM STDIN WITH (FORMAT csv)";

/// A store with [`EVENTS`], served.
struct Served {
    running: Running,
    _dir: TempDir,
}

impl Served {
    fn empty() -> Self {
        let dir = TempDir::new().unwrap();
        let database =
            Database::create(&dir.path().join("store"), &CreateOptions::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            running: start(Arc::new(database), listener, ServeOptions::default()).unwrap(),
            _dir: dir,
        }
    }

    fn new() -> Self {
        let served = Self::empty();
        assert_eq!(copy(&mut served.client(), COPY, EVENTS).unwrap(), 9);
        served
    }

    fn address(&self) -> SocketAddr {
        self.running.address()
    }

    fn client(&self) -> Client {
        self.try_client("").unwrap()
    }

    fn try_client(&self, more: &str) -> Result<Client, postgres::Error> {
        let port = self.address().port();
        let config = format!("host=127.0.0.1 port={port} user=ann dbname=shop {more}");
        Client::connect(&config, NoTls)
    }
}

fn copy(client: &mut Client, statement: &str, rows: &str) -> Result<u64, postgres::Error> {
    let mut writer = client.copy_in(statement)?;
    writer.write_all(rows.as_bytes()).unwrap();
    writer.finish()
}

fn count(client: &mut Client, statement: &str) -> i64 {
    client.query_one(statement, &[]).unwrap().get(0)
}

/// The rows of a simple query, as text.
fn rows(client: &mut Client, statements: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(statements).unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
        }
        _ => None,
    });
    rows.collect()
}

fn code(error: &postgres::Error) -> &str {
    error.as_db_error().map_or("none", |error| error.code().code())
}

#[test]
fn a_store_is_asked_in_text_and_in_binary() {
    let served = Served::new();
    let mut client = served.client();
    let text = |cells: [&str; 2]| cells.map(|cell| Some(cell.to_owned())).to_vec();
    assert_eq!(
        rows(&mut client, "COUNT BY estee.stage"),
        [["L", "1"], ["P", "1"], ["I", "1"], ["A", "2"], ["none", "1"]].map(text)
    );
    let binary: Vec<(String, i64)> = client
        .query("COUNT BY \"雅诗兰黛\".stage", &[])
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let expected = [("P", 1), ("I", 1), ("A", 1), ("none", 3)];
    assert_eq!(binary, expected.map(|(stage, n)| (stage.to_owned(), n)));
    let overlap = client.query_one("OVERLAP estee, \"雅诗兰黛\"", &[]).unwrap();
    assert_eq!(overlap.get::<_, &str>("right"), "雅诗兰黛");
    assert_eq!(overlap.get::<_, i64>("left_count"), 5);
    assert_eq!(overlap.get::<_, i64>("right_count"), 3);
    assert_eq!(overlap.get::<_, i64>("both"), 2);
    assert!((overlap.get::<_, f64>("jaccard") - 1.0 / 3.0).abs() < 1e-12);
    assert!((overlap.get::<_, f64>("lift") - 0.8).abs() < 1e-12);
    let spend = rows(&mut client, "SUM estee.spend IN LAST 30 DAYS");
    assert_eq!(spend, [[Some("150.50".to_owned())]]);
}

#[test]
fn parameters_are_taken_in_every_type_that_drivers_send() {
    let served = Served::new();
    let mut client = served.client();
    let days = client.prepare("COUNT WHERE estee DID buy IN LAST $1 DAYS").unwrap();
    assert_eq!(days.params(), [Type::INT8]);
    assert_eq!(days.columns().iter().map(|c| c.name()).collect::<Vec<_>>(), ["count"]);
    for (last, expected) in [(7_i64, 1_i64), (365, 2), (7, 1)] {
        assert_eq!(client.query_one(&days, &[&last]).unwrap().get::<_, i64>(0), expected);
    }
    let typed =
        client.prepare_typed("COUNT WHERE estee DID buy IN LAST $1 DAYS", &[Type::INT4]).unwrap();
    assert_eq!(client.query_one(&typed, &[&7_i32]).unwrap().get::<_, i64>(0), 1);
    let stage = client.prepare("COUNT WHERE estee.stage = $1").unwrap();
    for (name, expected) in [("L", 1_i64), ("A", 2)] {
        assert_eq!(client.query_one(&stage, &[&name]).unwrap().get::<_, i64>(0), expected);
    }
    let spent = client
        .prepare_typed("COUNT WHERE estee SPENT >= $1 IN LAST 365 DAYS", &[Type::FLOAT8])
        .unwrap();
    assert_eq!(client.query_one(&spent, &[&20.0_f64]).unwrap().get::<_, i64>(0), 2);
    assert_eq!(client.query_one(&spent, &[&150.5_f64]).unwrap().get::<_, i64>(0), 1);
    let dated = client.prepare("COUNT WHERE estee DID buy AS OF $1").unwrap();
    assert_eq!(dated.params(), [Type::DATE]);
    let null: Option<i64> = None;
    let error = client.query(&days, &[&null]).unwrap_err();
    assert_eq!(code(&error), "22004");
    let error = client.query(&stage, &[&"Z"]).unwrap_err();
    assert_eq!(code(&error), "42704", "{error}");
}

#[test]
fn copy_is_one_batch_and_a_bad_row_keeps_nothing() {
    let served = Served::new();
    let mut client = served.client();
    let buyers = "COUNT WHERE estee DID buy";
    assert_eq!(count(&mut client, buyers), 2);
    assert_eq!(copy(&mut client, COPY, "u7,estee,buy,2017-11-11,5\n").unwrap(), 1);
    assert_eq!(count(&mut client, buyers), 3);
    let bad = "u8,estee,buy,2017-11-11,5\nu9,estee,buy,yesterday,5\n";
    let error = copy(&mut client, COPY, bad).unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code(), &SqlState::INVALID_DATETIME_FORMAT, "{error:?}");
    assert_eq!(error.column(), Some("time"));
    assert!(error.where_().unwrap().contains("line 2, column time"), "{error:?}");
    let error = copy(&mut client, COPY, "u8,estee,favourite,2017-11-11,5\n").unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("favorite"), "{error:?}");
    assert_eq!(count(&mut client, buyers), 3, "nothing of a bad COPY is kept");
    // A writer that is dropped sends CopyFail.
    let mut writer = client.copy_in(COPY).unwrap();
    writer.write_all("u8,estee,buy,2017-11-11,5\n".as_bytes()).unwrap();
    drop(writer);
    assert_eq!(count(&mut client, buyers), 3);
    let text = "COPY events (consumer, brand, behaviour, time) FROM STDIN";
    let rows = "u8\testee\tbuy\t2017-11-11\nu9\testee\tbuy\t2017-11-11\n";
    assert_eq!(copy(&mut client, text, rows).unwrap(), 2);
    assert_eq!(count(&mut client, buyers), 5);
    let header = "COPY events (consumer, brand, behaviour, time) FROM STDIN \
                  (FORMAT csv, HEADER, DELIMITER ';', TOKEN 'once')";
    for _ in 0..2 {
        copy(&mut client, header, "c;b;x;t\nu10;estee;buy;2017-11-11\n").unwrap();
        assert_eq!(count(&mut client, "COUNT WHERE estee DID buy 1 TIMES"), 6);
    }
    let times = "COUNT WHERE estee DID buy 2 TIMES AND NOT estee DID buy ON 2 DAYS";
    assert_eq!(count(&mut client, times), 0, "the token made the retry change nothing");
    for (statement, expected) in [
        ("COPY events (consumer, colour) FROM STDIN", "42703"),
        ("COPY people (consumer) FROM STDIN", "42P01"),
        ("COPY events (consumer, brand, behaviour, time) FROM STDIN (FORMAT binary)", "0A000"),
    ] {
        let error = client.copy_in(statement).err().unwrap();
        assert_eq!(code(&error), expected, "{statement}: {error:?}");
    }
}

#[test]
fn a_large_copy_comes_in_pieces() {
    let served = Served::empty();
    let mut client = served.client();
    let rows: String =
        (0..60_000).map(|n| format!("c{n},estee,view,2017-11-{:02},\n", 1 + n % 11)).collect();
    assert_eq!(copy(&mut client, COPY, &rows).unwrap(), 60_000);
    assert_eq!(count(&mut client, "COUNT"), 60_000);
    let bad = format!("{rows}late,estee,view,,\n");
    let error = copy(&mut client, COPY, &bad).unwrap_err();
    assert!(error.as_db_error().unwrap().where_().unwrap().contains("line 60001"), "{error:?}");
    assert_eq!(count(&mut client, "COUNT"), 60_000);
}

#[test]
fn errors_point_at_the_place_and_suggest() {
    let served = Served::new();
    let mut client = served.client();
    let one = "COUNT WHERE \"雅诗兰黛\" DID favourite";
    let two = format!("SHOW BRANDS; {one}; COUNT");
    let errors =
        [(client.simple_query(&two).unwrap_err(), 37), (client.query(one, &[]).unwrap_err(), 24)];
    for (error, position) in errors {
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code(), &SqlState::UNDEFINED_OBJECT);
        assert_eq!(error.hint(), Some("did you mean `favorite`?"));
        assert_eq!(error.position(), Some(&ErrorPosition::Original(position)));
    }
    let error = client.simple_query("SELECT * FROM events").unwrap_err();
    assert_eq!(code(&error), "0A000");
    assert!(error.as_db_error().unwrap().hint().unwrap().contains("docs/language.md"));
    let error = client.simple_query("COUNT WHERE").unwrap_err();
    assert_eq!(code(&error), "42601");
    let error = client.query("COUNT; COUNT", &[]).unwrap_err();
    assert_eq!(code(&error), "42601");
    assert_eq!(count(&mut client, "COUNT"), 6, "the connection goes on");
}

#[test]
fn definitions_nulls_dates_and_booleans() {
    let served = Served::new();
    let mut client = served.client();
    client.batch_execute("CREATE AUDIENCE loyal AS estee.stage = L").unwrap();
    client.batch_execute("CREATE ATTRIBUTE city_tier INTEGER").unwrap();
    let matches = client.query_one("MATCH CONSUMER 'u1' AGAINST AUDIENCE loyal", &[]).unwrap();
    assert!(matches.get::<_, bool>("matches"));
    let unknown = client.query_one("COUNT BY city_tier", &[]).unwrap();
    assert_eq!(unknown.get::<_, Option<i64>>(0), None);
    assert_eq!(unknown.get::<_, i64>(1), 6);
    assert_eq!(rows(&mut client, "COUNT BY city_tier")[0][0], None);
    let daily = "COUNT EVERY 1 DAY FROM '2017-11-10' TO '2017-11-11'";
    assert_eq!(client.prepare(daily).unwrap().columns()[0].type_(), &Type::DATE);
    assert_eq!(rows(&mut client, daily)[1][0].as_deref(), Some("2017-11-11"));
    let error = client.batch_execute("CREATE AUDIENCE loyal AS estee.stage = L").unwrap_err();
    assert_eq!(code(&error), "42710");
    let mut read_only = client.build_transaction().read_only(true).start().unwrap();
    let error = read_only.batch_execute("DROP AUDIENCE loyal").unwrap_err();
    assert_eq!(code(&error), "25006");
    read_only.rollback().unwrap();
    assert_eq!(rows(&mut client, "SHOW AUDIENCES").len(), 1);
}

#[test]
fn sessions_are_what_drivers_expect() {
    let served = Served::new();
    let mut client = served.client();
    assert_eq!(count(&mut client, "SELECT 1"), 1);
    let one = |client: &mut Client, text: &str| rows(client, text)[0][0].clone().unwrap();
    assert!(one(&mut client, "SELECT version()").starts_with("PostgreSQL 15"));
    assert_eq!(one(&mut client, "SHOW transaction_isolation"), "read committed");
    assert_eq!(one(&mut client, "SELECT current_database()"), "shop");
    assert_eq!(one(&mut client, "SET application_name = 'x'; SHOW application_name"), "x");
    assert_eq!(rows(&mut client, "SHOW BRANDS").len(), 2);
    assert!(client.simple_query("").is_ok());
    assert!(client.simple_query("; -- nothing\n;").is_ok());
    assert!(client.query("", &[]).unwrap().is_empty());
    client.batch_execute("BEGIN; COUNT; COMMIT; DISCARD ALL").unwrap();
    let mut transaction = client.transaction().unwrap();
    assert!(transaction.query("COUNT nonsense", &[]).is_err());
    let error = transaction.query("COUNT", &[]).unwrap_err();
    assert_eq!(code(&error), "25P02");
    transaction.rollback().unwrap();
    assert_eq!(count(&mut client, "COUNT"), 6);
    let mut late = served.try_client("options='-c statement_timeout=5s'").unwrap();
    assert_eq!(one(&mut late, "SHOW statement_timeout"), "5s");
    let refused = served.try_client("options='-c client_encoding=GBK'").err().unwrap();
    assert_eq!(code(&refused), "22023");
}

#[test]
fn portals_give_their_rows_in_parts() {
    let served = Served::new();
    let mut client = served.client();
    let mut transaction = client.transaction().unwrap();
    let portal = transaction.bind("COUNT BY estee.stage", &[]).unwrap();
    let mut stages = Vec::new();
    for expected in [2, 2, 1, 0] {
        let part = transaction.query_portal(&portal, 2).unwrap();
        assert_eq!(part.len(), expected);
        stages.extend(part.iter().map(|row| row.get::<_, String>(0)));
    }
    assert_eq!(stages, ["L", "P", "I", "A", "none"]);
    transaction.commit().unwrap();
}

#[test]
fn a_cancel_request_ends_its_own_statement() {
    let served = Served::new();
    let (mut stream, key) = raw(&served);
    send(&mut stream, b'Q', format!("{COPY}\0").as_bytes());
    assert_eq!(message(&mut stream).unwrap().0, b'G');
    let mut wrong = key.clone();
    wrong[7] ^= 1;
    cancel(&served, &wrong);
    send(&mut stream, b'd', "u9,estee,buy,2017-11-11,5\n".as_bytes());
    cancel(&served, &key);
    send(&mut stream, b'c', &[]);
    let (kind, body) = message(&mut stream).unwrap();
    assert_eq!(kind, b'E');
    assert!(body.windows(6).any(|field| field == b"C57014"), "{body:?}");
    assert_eq!(message(&mut stream).unwrap().0, b'Z');
    assert_eq!(count(&mut served.client(), "COUNT WHERE estee DID buy"), 2);
    // An idle connection has nothing to cancel, and its next statement is not.
    cancel(&served, &key);
    send(&mut stream, b'Q', b"COUNT\0");
    assert_eq!(message(&mut stream).unwrap().0, b'T');
}

/// Sends a cancel request, and waits until it was carried out: then its connection is closed.
fn cancel(served: &Served, key: &[u8]) {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream.write_all(&[&[0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e], key].concat()).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_end_is_told_to_clients_and_a_new_server_can_begin() {
    let served = Served::new();
    let mut client = served.client();
    assert_eq!(count(&mut client, "COUNT"), 6);
    let address = served.address();
    served.running.stop().unwrap();
    assert!(client.simple_query("COUNT").is_err());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn only_the_loopback_interface_is_served() {
    for address in ["127.0.0.1:1", "127.8.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert!(check_loopback(address.parse().unwrap()).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:1", "192.168.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1", "8.8.8.8:1"] {
        let error = check_loopback(address.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("until there is authentication"), "{address}");
    }
}

/// The startup of a client that speaks bytes: its connection, and its key for cancel requests.
fn raw(served: &Served) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // SSLRequest, answered with one byte.
    stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    let body = b"\x00\x03\x00\x00user\0ann\0\0";
    stream.write_all(&u32::try_from(body.len() + 4).unwrap().to_be_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut key = Vec::new();
    loop {
        match message(&mut stream).unwrap() {
            (b'K', body) => key = body,
            (b'Z', _) => return (stream, key),
            _ => {}
        }
    }
}

fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&[kind], &length[..], body].concat()).unwrap();
}

fn message(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes(head[1..].try_into().unwrap());
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut body)?;
    Ok((head[0], body))
}

#[test]
fn bytes_that_are_no_messages_end_only_their_connection() {
    let served = Served::new();
    let long = [&b"Q"[..], &0x3000_0000_u32.to_be_bytes(), b"COUNT"].concat();
    for (bytes, name) in [
        (&b"Q\x00\x00\x00\x02"[..], "a length below its own four bytes"),
        (b"B\x00\x00\x00\x08\x00\x00\xff\xff", "a Bind that ends early"),
        (b"P\x00\x00\x00\x06a\x00", "a Parse that ends early"),
        (b"\x01\x00\x00\x00\x04", "no such type"),
        (b"p\x00\x00\x00\x05\x00", "a password that nobody asked for"),
        (&long, "a message of 768 MiB"),
    ] {
        let (mut stream, _) = raw(&served);
        stream.write_all(bytes).unwrap();
        let answer = message(&mut stream);
        if let Ok((kind, _)) = &answer {
            assert_eq!(*kind, b'E', "{name}");
        }
        assert_eq!(count(&mut served.client(), "COUNT"), 6, "after {name}");
    }
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(count(&mut served.client(), "COUNT"), 6);
}

fn property(client: &mut Client, name: &str) -> Option<String> {
    let rows = client.query("SHOW SERVER", &[]).unwrap();
    let row = rows.iter().find(|row| row.get::<_, String>(0) == name);
    row.unwrap_or_else(|| panic!("{name}")).get(1)
}

#[test]
fn the_server_tells_of_itself() {
    let served = Served::new();
    let mut client = served.client();
    assert_eq!(property(&mut client, "connections").as_deref(), Some("1"));
    let other = served.client();
    assert_eq!(property(&mut client, "connections").as_deref(), Some("2"));
    drop(other);
    assert_eq!(property(&mut client, "events").as_deref(), Some("9"));
    assert_eq!(property(&mut client, "statements_running").as_deref(), Some("1"));
    let since = property(&mut client, "open_since").unwrap();
    assert!(since.starts_with("20") && since.ends_with('Z'), "{since}");
    assert_eq!(property(&mut client, "statement_memory").as_deref(), Some("1073741824"));
}

#[test]
fn a_connection_bounds_the_memory_of_its_statements() {
    let served = Served::new();
    let mut client = served.client();
    // Sets of a chunk take 3 MiB and more of each worker.
    let statement = "COUNT WHERE NOT SAMPLE 50 PERCENT";
    client.simple_query("SET statement_memory = '256kB'").unwrap();
    let shown = client.query("SHOW statement_memory", &[]).unwrap();
    assert_eq!(shown[0].get::<_, String>(0), "256kB");
    assert_eq!(property(&mut client, "statement_memory").as_deref(), Some("262144"));
    let error = client.query(statement, &[]).unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(*error.code(), SqlState::OUT_OF_MEMORY);
    assert!(error.message().contains("sets of a chunk, and may take 256 kB"), "{error:?}");
    assert!(error.hint().unwrap().contains("SET statement_memory"));
    assert!(served.client().query(statement, &[]).is_ok(), "others have their own limit");
    client.simple_query("RESET statement_memory").unwrap();
    assert!(client.query(statement, &[]).is_ok());
    let refused = client.simple_query("SET statement_memory = '2GB'").unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INVALID_PARAMETER_VALUE));
    assert!(refused.as_db_error().unwrap().hint().unwrap().contains("up to the 1GB"));
}

#[test]
fn an_explanation_as_json_is_one_cell() {
    let served = Served::new();
    let statement = "EXPLAIN (ANALYZE, FORMAT JSON) COUNT BY estee.stage";
    let rows = served.client().query(statement, &[]).unwrap();
    assert_eq!(rows.len(), 1);
    let document: serde_json::Value = serde_json::from_str(rows[0].get(0)).unwrap();
    assert_eq!(document["analyzed"], true);
    assert!(document["passes"].as_array().is_some_and(|passes| !passes.is_empty()));
}
