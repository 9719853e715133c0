// PostgreSQL's JDBC driver asks the store that run.sh serves; PGHOST and PGPORT say where.

import java.io.StringReader;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

public class Jdbc {
    interface Check {
        void run(Connection connection) throws Exception;
    }

    static final Map<String, Check> CHECKS = new LinkedHashMap<>();

    static Connection connect(String more) throws SQLException {
        String host = System.getenv("PGHOST");
        String port = System.getenv("PGPORT");
        String user = System.getenv("PGUSER");
        return DriverManager.getConnection(
            "jdbc:postgresql://" + host + ":" + port + "/throng?user=" + user + more);
    }

    static void equal(Object expected, Object found) {
        if (!expected.equals(found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }

    static void isTrue(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    static long count(Connection connection, String statement, Object... values)
            throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            for (int i = 0; i < values.length; i++) {
                prepared.setObject(i + 1, values[i]);
            }
            return count(prepared);
        }
    }

    static long count(PreparedStatement prepared) throws SQLException {
        try (ResultSet rows = prepared.executeQuery()) {
            isTrue(rows.next(), "no row");
            long count = rows.getLong(1);
            isTrue(!rows.next(), "more than one row");
            return count;
        }
    }

    static ServerErrorMessage refused(String state, Check check, Connection connection)
            throws Exception {
        try {
            check.run(connection);
        } catch (PSQLException error) {
            equal(state, error.getSQLState());
            return error.getServerErrorMessage();
        }
        throw new AssertionError("nothing was refused with " + state);
    }

    static List<String> stages(Statement statement, String text) throws SQLException {
        List<String> stages = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(text)) {
            while (rows.next()) {
                stages.add(rows.getString(1) + "=" + rows.getLong(2));
            }
        }
        return stages;
    }

    static {
        CHECKS.put("counts with parameters", Jdbc::parameters);
        CHECKS.put("a prepared statement is reused, in text and then in binary", Jdbc::reuse);
        CHECKS.put("results have their types", Jdbc::types);
        CHECKS.put("overlap", Jdbc::overlap);
        CHECKS.put("unicode names", Jdbc::unicode);
        CHECKS.put("nulls", Jdbc::nulls);
        CHECKS.put("copy in changes the counts", Jdbc::copy);
        CHECKS.put("a bad copy keeps nothing", Jdbc::badCopy);
        CHECKS.put("a bad statement is explained", Jdbc::badStatement);
        CHECKS.put("rows are fetched in parts", Jdbc::fetch);
        CHECKS.put("transactions", Jdbc::transactions);
        CHECKS.put("the driver's own questions", Jdbc::session);
        CHECKS.put("the simple protocol", Jdbc::simple);
    }

    static void parameters(Connection connection) throws Exception {
        String days = "COUNT WHERE estee DID buy IN LAST ? DAYS";
        equal(1L, count(connection, days, 7));
        equal(2L, count(connection, days, 365L));
        equal(2L, count(connection, days, (short) 365));
        String spent = "COUNT WHERE estee SPENT >= ? IN LAST 365 DAYS";
        equal(2L, count(connection, spent, new BigDecimal("20.00")));
        equal(1L, count(connection, spent, 150.5));
        String asOf = "COUNT WHERE estee DID buy AS OF ?";
        equal(1L, count(connection, asOf, LocalDate.of(2017, 10, 2)));
        equal(1L, count(connection, asOf, Date.valueOf("2017-10-02")));
        equal(1L, count(connection, asOf, "2017-10-02"));
        equal(1L, count(connection, "COUNT WHERE estee.stage = ?", "L"));
        equal(3L, count(connection, "COUNT WHERE estee.stage IN (?, ?)", "P", "A"));
    }

    static void reuse(Connection connection) throws Exception {
        // From the fifth execution on the driver names the statement and asks for binary results.
        String text = "COUNT WHERE estee DID buy IN LAST ? DAYS";
        try (PreparedStatement prepared = connection.prepareStatement(text)) {
            for (int round = 0; round < 12; round++) {
                prepared.setInt(1, round % 2 == 0 ? 7 : 365);
                equal(round % 2 == 0 ? 1L : 2L, count(prepared));
            }
        }
        try (Connection binary = connect("&prepareThreshold=-1")) {
            equal(1L, count(binary, text, 7));
            equal(new BigDecimal("150.50"), money(binary));
        }
    }

    static BigDecimal money(Connection connection) throws SQLException {
        try (PreparedStatement prepared =
                connection.prepareStatement("SUM estee.spend IN LAST ? DAYS")) {
            prepared.setInt(1, 30);
            try (ResultSet rows = prepared.executeQuery()) {
                rows.next();
                return rows.getBigDecimal(1);
            }
        }
    }

    static void types(Connection connection) throws Exception {
        equal(new BigDecimal("150.50"), money(connection));
        try (Statement statement = connection.createStatement()) {
            String daily = "COUNT EVERY 1 DAY FROM '2017-11-10' TO '2017-11-11'";
            try (ResultSet rows = statement.executeQuery(daily)) {
                equal(Types.DATE, rows.getMetaData().getColumnType(1));
                equal(Types.BIGINT, rows.getMetaData().getColumnType(2));
                rows.next();
                rows.next();
                equal(LocalDate.of(2017, 11, 11), rows.getObject(1, LocalDate.class));
                equal(6L, rows.getLong(2));
            }
            statement.execute("CREATE AUDIENCE jdbc_loyal AS estee.stage = L");
            String match = "MATCH CONSUMER 'u1' AGAINST AUDIENCE jdbc_loyal";
            try (ResultSet rows = statement.executeQuery(match)) {
                rows.next();
                isTrue(rows.getBoolean("matches"), "u1 is loyal");
            }
        }
    }

    static void overlap(Connection connection) throws Exception {
        String text = "OVERLAP estee, \"雅诗兰黛\"";
        try (PreparedStatement prepared = connection.prepareStatement(text)) {
            ResultSetMetaData described = prepared.getMetaData();
            equal(7, described.getColumnCount());
            equal("jaccard", described.getColumnName(6));
            try (ResultSet rows = prepared.executeQuery()) {
                rows.next();
                equal("雅诗兰黛", rows.getString("right"));
                equal(5L, rows.getLong("left_count"));
                equal(3L, rows.getLong("right_count"));
                equal(2L, rows.getLong("both"));
                isTrue(Math.abs(rows.getDouble("lift") - 0.8) < 1e-12, "lift");
            }
        }
    }

    static void unicode(Connection connection) throws Exception {
        equal(1L, count(connection, "COUNT WHERE \"雅诗兰黛\".stage = ?", "P"));
        try (Statement statement = connection.createStatement()) {
            equal(
                List.of("P=1", "I=1", "A=1", "none=3"),
                stages(statement, "COUNT BY \"雅诗兰黛\".stage"));
        }
    }

    static void nulls(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE ATTRIBUTE jdbc_tier INTEGER");
            try (ResultSet rows = statement.executeQuery("COUNT BY jdbc_tier")) {
                rows.next();
                rows.getLong(1);
                isTrue(rows.wasNull(), "an unknown value is null");
                equal(6L, rows.getLong(2));
            }
        }
        refused("22004", c -> {
            try (PreparedStatement prepared =
                    c.prepareStatement("COUNT WHERE jdbc_tier = ?")) {
                prepared.setNull(1, Types.BIGINT);
                prepared.executeQuery();
            }
        }, connection);
    }

    static CopyManager copier(Connection connection) throws SQLException {
        return connection.unwrap(PGConnection.class).getCopyAPI();
    }

    static final String COPY =
        "COPY events (consumer, brand, behaviour, time) FROM STDIN WITH (FORMAT csv)";

    static void copy(Connection connection) throws Exception {
        String rows = "u1,jdbc_brand,buy,2017-11-01\nu2,jdbc_brand,buy,2017-11-02 08:00:00\n";
        equal(2L, copier(connection).copyIn(COPY, new StringReader(rows)));
        equal(2L, count(connection, "COUNT WHERE jdbc_brand DID buy"));
        equal(1L, copier(connection)
            .copyIn(COPY, new StringReader("u3,jdbc_brand,buy,2017-11-03\n")));
        equal(3L, count(connection, "COUNT WHERE jdbc_brand DID buy"));
    }

    static void badCopy(Connection connection) throws Exception {
        String rows = "u4,jdbc_brand,buy,2017-11-03\nu5,jdbc_brand,bought,2017-11-03\n";
        ServerErrorMessage error = refused(
            "42704", c -> copier(c).copyIn(COPY, new StringReader(rows)), connection);
        isTrue(error.getWhere().contains("line 2, column behaviour"), error.getWhere());
        equal(3L, count(connection, "COUNT WHERE jdbc_brand DID buy"));
    }

    static void badStatement(Connection connection) throws Exception {
        String text = "COUNT WHERE \"雅诗兰黛\" DID favourite";
        ServerErrorMessage error = refused("42704", c -> count(c, text), connection);
        equal(text.indexOf("favourite") + 1, error.getPosition());
        equal("did you mean `favorite`?", error.getHint());
        error = refused("0A000", c -> count(c, "SELECT count(*) FROM events"), connection);
        isTrue(error.getHint().contains("docs/language.md"), error.getHint());
        equal(6L, count(connection, "COUNT"));
    }

    static void fetch(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(2);
            equal(
                List.of("L=1", "P=1", "I=1", "A=2", "none=1"),
                stages(statement, "COUNT BY estee.stage"));
        }
        connection.commit();
    }

    static void transactions(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        equal(6L, count(connection, "COUNT"));
        refused("42601", c -> count(c, "COUNT nonsense here"), connection);
        refused("25P02", c -> count(c, "COUNT"), connection);
        connection.rollback();
        equal(6L, count(connection, "COUNT"));
        connection.commit();
        connection.setReadOnly(true);
        refused("25006", c -> {
            try (Statement statement = c.createStatement()) {
                statement.execute("CREATE AUDIENCE never AS estee.stage = L");
            }
        }, connection);
        connection.rollback();
    }

    static void session(Connection connection) throws Exception {
        isTrue(connection.isValid(5), "valid");
        equal("PostgreSQL", connection.getMetaData().getDatabaseProductName());
        equal(15, connection.getMetaData().getDatabaseMajorVersion());
        equal(Connection.TRANSACTION_READ_COMMITTED, connection.getTransactionIsolation());
        equal("public", connection.getSchema());
        connection.setNetworkTimeout(Runnable::run, 60_000);
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(30);
            equal(5, stages(statement, "COUNT BY estee.stage").size());
        }
    }

    static void simple(Connection connection) throws Exception {
        try (Connection simple = connect("&preferQueryMode=simple")) {
            equal(1L, count(simple, "COUNT WHERE estee DID buy IN LAST 7 DAYS"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        int failures = 0;
        for (Map.Entry<String, Check> check : CHECKS.entrySet()) {
            try (Connection connection = connect("")) {
                check.getValue().run(connection);
                System.out.println("ok " + check.getKey());
            } catch (Throwable failure) {
                failures++;
                System.out.println("FAILED " + check.getKey());
                failure.printStackTrace(System.out);
            }
        }
        System.exit(failures == 0 ? 0 : 1);
    }
}
