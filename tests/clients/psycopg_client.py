"""psycopg 3 asks the store that run.sh serves; PGHOST and PGPORT say where."""

import datetime
import decimal
import sys
import traceback

import psycopg
from psycopg import errors

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def one(conn, statement, values=None, **options):
    row = conn.execute(statement, values, **options).fetchone()
    assert row is not None, f"{statement}: no row"
    return row[0]


@check
def counts_with_parameters_as_text_and_binary(conn):
    statement = "COUNT WHERE estee DID buy IN LAST %s DAYS"
    for binary in (False, True):
        assert one(conn, statement, [7], binary=binary) == 1
        assert one(conn, statement, [365], binary=binary) == 2
        stages = conn.execute("COUNT BY estee.stage", binary=binary).fetchall()
        assert stages == [("L", 1), ("P", 1), ("I", 1), ("A", 2), ("none", 1)], stages
    assert one(conn, "COUNT WHERE estee DID buy IN LAST %b DAYS", [7]) == 1
    assert one(conn, "COUNT WHERE estee DID buy IN LAST %t DAYS", [7]) == 1


@check
def parameters_of_every_type(conn):
    spent = "COUNT WHERE estee SPENT >= %s IN LAST 365 DAYS"
    for value in (20, 20.0, decimal.Decimal("20.00"), "20"):
        assert one(conn, spent, [value]) == 2, value
    for value in (150.5, decimal.Decimal("150.50")):
        assert one(conn, spent.replace("%s", "%b"), [value]) == 1, value
    day = datetime.date(2017, 10, 2)
    for mark in ("%s", "%b", "%t"):
        assert one(conn, f"COUNT WHERE estee DID buy AS OF {mark}", [day]) == 1, mark
    assert one(conn, "COUNT WHERE estee.stage = %s", ["L"]) == 1
    assert one(conn, "COUNT WHERE estee.stage IN (%s, %s)", ["P", "A"]) == 3


@check
def results_have_their_types(conn):
    for binary in (False, True):
        spend = one(conn, "SUM estee.spend IN LAST 30 DAYS", binary=binary)
        assert spend == decimal.Decimal("150.50"), spend
        rows = conn.execute(
            "COUNT EVERY 1 DAY FROM %s TO %s",
            [datetime.date(2017, 11, 10), datetime.date(2017, 11, 11)],
            binary=binary,
        ).fetchall()
        assert rows == [(datetime.date(2017, 11, 10), 4), (datetime.date(2017, 11, 11), 6)], rows


@check
def overlap(conn):
    for binary in (False, True):
        cursor = conn.execute('OVERLAP estee, "雅诗兰黛"', binary=binary)
        names = [column.name for column in cursor.description]
        assert names == ["left", "right", "left_count", "right_count", "both", "jaccard", "lift"]
        left, right, *counts, jaccard, lift = cursor.fetchone()
        assert (left, right, counts) == ("estee", "雅诗兰黛", [5, 3, 2])
        assert abs(jaccard - 1 / 3) < 1e-12 and abs(lift - 0.8) < 1e-12


@check
def unicode_names(conn):
    assert one(conn, 'COUNT WHERE "雅诗兰黛".stage = %s', ["P"]) == 1
    brands = [row[0] for row in conn.execute("SHOW BRANDS").fetchall()]
    assert "雅诗兰黛" in brands, brands


@check
def nulls(conn):
    conn.execute("CREATE ATTRIBUTE psycopg_tier INTEGER")
    for binary in (False, True):
        row = conn.execute("COUNT BY psycopg_tier", binary=binary).fetchone()
        assert row == (None, 6), row
    assert one(conn, "COUNT WHERE psycopg_tier IS UNKNOWN") == 6
    try:
        conn.execute("COUNT WHERE psycopg_tier = %s", [None])
    except errors.NullValueNotAllowed as error:
        assert "IS UNKNOWN" in error.diag.message_hint
    else:
        raise AssertionError("a null parameter was taken")


@check
def copy_in_changes_the_counts(conn):
    into = "COPY events (consumer, brand, behaviour, time, amount) FROM STDIN"
    with conn.cursor() as cursor:
        with cursor.copy(into) as copy:
            copy.write_row(("u1", "psycopg_brand", "buy", datetime.date(2017, 11, 1), 5))
            copy.write_row(("u2", "psycopg_brand", "buy", datetime.datetime(2017, 11, 2, 8), None))
        assert cursor.rowcount == 2, cursor.rowcount
    assert one(conn, "COUNT WHERE psycopg_brand DID buy") == 2
    with conn.cursor() as cursor, cursor.copy(into + " WITH (FORMAT csv)") as copy:
        copy.write("u3,psycopg_brand,buy,2017-11-")
        copy.write("03,1.50\n")
    assert one(conn, "COUNT WHERE psycopg_brand DID buy") == 3


@check
def a_bad_copy_keeps_nothing(conn):
    into = "COPY events (consumer, brand, behaviour, time) FROM STDIN"
    try:
        with conn.cursor() as cursor, cursor.copy(into) as copy:
            copy.write_row(("u4", "psycopg_brand", "buy", "2017-11-03"))
            copy.write_row(("u5", "psycopg_brand", "buy", "in May"))
    except errors.InvalidDatetimeFormat as error:
        assert error.diag.column_name == "time"
        assert "line 2" in error.diag.context, error.diag.context
    else:
        raise AssertionError("a bad row was taken")
    try:
        with conn.cursor() as cursor, cursor.copy(into) as copy:
            copy.write_row(("u4", "psycopg_brand", "buy", "2017-11-03"))
            raise RuntimeError("the client gives up")
    except RuntimeError:
        pass
    assert one(conn, "COUNT WHERE psycopg_brand DID buy") == 3


@check
def a_bad_statement_is_explained(conn):
    for values in (None, []):
        statement = 'COUNT WHERE "雅诗兰黛" DID favourite'
        try:
            conn.execute(statement, values)
        except errors.UndefinedObject as error:
            assert int(error.diag.statement_position) == statement.index("favourite") + 1
            assert error.diag.message_hint == "did you mean `favorite`?"
        else:
            raise AssertionError("a bad statement was taken")
    try:
        conn.execute("SELECT * FROM events")
    except errors.FeatureNotSupported as error:
        assert "docs/language.md" in error.diag.message_hint
    else:
        raise AssertionError("SQL was taken")


@check
def prepared_statements_are_reused(conn):
    statement = "COUNT WHERE estee DID buy IN LAST %s DAYS"
    for days, expected in ((7, 1), (365, 2), (7, 1), (30, 1)) * 3:
        assert one(conn, statement, [days], prepare=True) == expected
    # Definitions between two executions change what a name means, not the statement.
    conn.execute("CREATE AUDIENCE psycopg_audience AS estee.stage = L")
    asked = "COUNT WHERE AUDIENCE psycopg_audience"
    assert one(conn, asked, prepare=True) == 1
    conn.execute("DROP AUDIENCE psycopg_audience")
    conn.execute("CREATE AUDIENCE psycopg_audience AS estee.stage = A")
    assert one(conn, asked, prepare=True) == 2
    conn.execute("DEALLOCATE ALL")


@check
def many_in_a_pipeline(conn):
    with conn.pipeline():
        cursors = [conn.execute("COUNT WHERE estee DID buy IN LAST %s DAYS", [n]) for n in (7, 365)]
        assert [cursor.fetchone()[0] for cursor in cursors] == [1, 2]


@check
def transactions(conn):
    with psycopg.connect() as other:
        assert one(other, "COUNT") == 6
        assert other.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        try:
            other.execute("COUNT nonsense")
        except errors.SyntaxError:
            pass
        assert other.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        other.rollback()
        with other.transaction(), other.transaction():
            assert one(other, "COUNT") == 6
        other.read_only = None
    with psycopg.connect() as other:
        other.read_only = True
        try:
            other.execute("CREATE AUDIENCE never AS estee.stage = L")
        except errors.ReadOnlySqlTransaction:
            pass
        else:
            raise AssertionError("a read-only transaction wrote")
        other.rollback()
    assert conn.info.parameter_status("server_version").startswith("15.0 (Throng")


@check
def a_copy_is_cancelled(conn):
    into = "COPY events (consumer, brand, behaviour, time) FROM STDIN"
    try:
        with conn.cursor() as cursor, cursor.copy(into) as copy:
            copy.write_row(("u6", "psycopg_brand", "buy", "2017-11-03"))
            # libpq waits until the server has closed the request's connection.
            conn.cancel()
    except errors.QueryCanceled:
        pass
    else:
        raise AssertionError("the copy was not cancelled")
    assert one(conn, "COUNT WHERE psycopg_brand DID buy") == 3


def main():
    failures = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            with psycopg.connect(autocommit=True) as conn:
                function(conn)
        except Exception:  # noqa: BLE001: every failure is reported, none ends the run
            failures += 1
            print(f"FAILED {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok {name}")
        sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
