//! All that a project's database holds, as text: to see that nothing changed.

use crieur::config::Config;
use crieur::store::Database;
use sqlx::AnyConnection;
use sqlx::any::AnyConnectOptions;
use sqlx::{Column, ConnectOptions, Connection, Row};

use super::project::Project;

/// Every row of every table but those of `passed_over`, by table.
pub fn all(project: &Project, passed_over: &[&str]) -> Vec<String> {
    look(project, async |connection, kind| {
        let mut lines = Vec::new();
        for (table, columns) in tables(connection, kind).await {
            if passed_over.contains(&table.as_str()) || table.starts_with("_sqlx") {
                continue;
            }
            let columns: Vec<String> = columns.iter().map(|column| kind.as_text(column)).collect();
            let text = format!("SELECT {} FROM {table}", columns.join(", "));
            let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *connection).await.expect("rows");
            let mut rows: Vec<String> = rows.iter().map(|row| format!("{table}: {}", in_words(row))).collect();
            rows.sort();
            lines.append(&mut rows);
        }
        lines
    })
}

/// What a query gives, each row's texts.
pub fn ask(project: &Project, query: &'static str) -> Vec<Vec<String>> {
    look(project, async |connection, _| {
        let rows = sqlx::query(query).fetch_all(&mut *connection).await.expect("rows");
        rows.iter().map(|row| (0..row.columns().len()).map(|at| row.get::<String, _>(at)).collect()).collect()
    })
}

/// Does what a statement says.
pub fn tell(project: &Project, statement: &str) {
    let statement = statement.to_string();
    look(project, async |connection, _| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await.expect("done");
    });
}

#[derive(Clone, Copy)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    fn as_text(self, column: &str) -> String {
        match self {
            // Bytes are no text there.
            Kind::Sqlite => format!("CAST(hex({column}) AS TEXT) AS {column}"),
            Kind::Postgres => format!("CAST({column} AS TEXT) AS {column}"),
        }
    }
}

async fn tables(connection: &mut AnyConnection, kind: Kind) -> Vec<(String, Vec<String>)> {
    let query = match kind {
        Kind::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
        }
        Kind::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
        }
    };
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for row in sqlx::query(query).fetch_all(connection).await.expect("tables") {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    tables
}

fn in_words(row: &sqlx::any::AnyRow) -> String {
    let value = |at: usize| row.get::<Option<String>, _>(at).unwrap_or_else(|| "-".to_string());
    let values: Vec<String> =
        row.columns().iter().map(|column| format!("{}={}", column.name(), value(column.ordinal()))).collect();
    values.join(" ")
}

fn look<T>(project: &Project, work: impl AsyncFnOnce(&mut AnyConnection, Kind) -> T) -> T {
    let (config, _) = Config::read(project.path()).expect("a configuration");
    let (address, kind) = match Database::of(&config).expect("a database") {
        Database::Sqlite(path) => (format!("sqlite://{}?mode=rw", path.display()), Kind::Sqlite),
        Database::Postgres(url) => (url.to_string(), Kind::Postgres),
        Database::Branch(_) => panic!("a branch is no database"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = address.parse().expect("an address");
        let mut connection = options.connect().await.expect("a connection");
        let done = work(&mut connection, kind).await;
        connection.close().await.expect("closed");
        done
    })
}
