//! Every column of every table, as the schema has it: whatever is changed of it by another program, an audit finds it. A
//! column that is added later is among them.

use super::edits::found;
use super::fixture::Fixture;
use rusqlite::Connection;

/// What no audit has to find: the number that holds a table to one row, and the numbers of events, whose order is chained.
const SHOWN_TO_NOBODY: [&str; 2] = ["UPDATE ledger SET only_row = ", "UPDATE events SET event_id = "];

/// A column of the ledger, and how one row of its table is told from the others.
struct Column {
    table: String,
    name: String,
    kind: String,
    nullable: bool,
    key: String,
}

fn columns(connection: &Connection) -> Vec<Column> {
    let sql = "SELECT m.name, c.name, c.type, c.\"notnull\" = 0 AND c.pk = 0,
                   (SELECT group_concat(k.name, ', ') FROM pragma_table_info(m.name) k WHERE k.pk > 0)
               FROM sqlite_schema m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql).unwrap();
    let column = |row: &rusqlite::Row<'_>| {
        Ok(Column { table: row.get(0)?, name: row.get(1)?, kind: row.get(2)?, nullable: row.get(3)?, key: row.get(4)? })
    };
    statement.query_map([], column).unwrap().map(Result::unwrap).collect()
}

impl Column {
    /// Values that the column may get in the place of its own, the likeliest first.
    fn others(&self) -> Vec<String> {
        let Self { table, name, .. } = self;
        let of_another_row = format!("(SELECT o.{name} FROM {table} o WHERE o.{name} IS NOT {table}.{name} LIMIT 1)");
        let made_up = match self.kind.as_str() {
            "INTEGER" => [format!("coalesce({name}, 0) + 1"), format!("coalesce({name}, 0) - 1")],
            "TEXT" => [format!("coalesce({name}, '') || 'x'"), "'{}'".to_owned()],
            "BLOB" => ["zeroblob(32)".to_owned(), "randomblob(32)".to_owned()],
            kind => panic!("{table}.{name} is of the kind {kind:?}, of which no other value is known"),
        };
        [&[of_another_row][..], &made_up].concat()
    }

    /// The edits of one row: another value, which the schema's own checks take if any does, and nothing in its place.
    fn edits(&self, row: &str) -> Vec<Vec<String>> {
        let Self { table, name, key, .. } = self;
        let at = format!("WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY {row} LIMIT 1)");
        let to = |value: &String| format!("UPDATE {table} SET {name} = {value} {at} AND {name} IS NOT {value}");
        let others: Vec<String> = self.others().iter().map(to).collect();
        let removed = self.nullable.then(|| vec![to(&"NULL".to_owned())]);
        [others].into_iter().chain(removed).collect()
    }
}

/// Does the first of some edits that changes something; gives which. Where the schema's checks let none of them pass, they
/// are switched off, as another program could.
fn edited(connection: &Connection, edits: &[String]) -> Option<String> {
    for checks in ["OFF", "ON"] {
        connection.execute_batch(&format!("PRAGMA ignore_check_constraints = {checks}")).unwrap();
        let done = edits.iter().find(|sql| connection.execute(sql, []).is_ok_and(|changed| changed > 0));
        if let Some(done) = done {
            return Some(done.clone());
        }
    }
    None
}

#[test]
fn whatever_is_changed_of_any_column_is_found() {
    let (desk, folder) = (Fixture::edited(), tempfile::tempdir().unwrap());
    let schema = Connection::open(desk.copy(folder.path())).unwrap();
    let columns = columns(&schema);
    assert!(columns.len() > 80, "only {} columns were found", columns.len());
    let guards = "SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';') FROM sqlite_schema
                  WHERE type = 'trigger'";
    let (lift, guards): (String, String) = schema.query_row(guards, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    drop(schema);
    let (mut missed, mut untouched) = (Vec::new(), Vec::new());
    for column in &columns {
        let mut changed = 0;
        for row in ["rowid_or_key ASC", "rowid_or_key DESC"] {
            let order = row.replace("rowid_or_key", column.key.split(", ").next().unwrap());
            for edits in column.edits(&order) {
                let copy = desk.copy(folder.path());
                let connection = Connection::open(&copy).unwrap();
                connection
                    .execute_batch(&format!("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; {lift}"))
                    .unwrap();
                let Some(sql) = edited(&connection, &edits) else { continue };
                changed += 1;
                connection.execute_batch(&guards).unwrap();
                drop(connection);
                if ["a", "b", "c"].iter().all(|batch| found(&copy, batch).is_empty()) {
                    missed.push(sql);
                }
            }
        }
        if changed == 0 {
            untouched.push(format!("{}.{}", column.table, column.name));
        }
    }
    missed.retain(|sql| !SHOWN_TO_NOBODY.iter().any(|edit| sql.starts_with(edit)));
    assert_eq!(missed, Vec::<String>::new(), "edits that no audit finds");
    assert_eq!(untouched, Vec::<String>::new(), "columns of which the ledger of this test has no row");
}
