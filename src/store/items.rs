//! The store's copy of `feeds/items.lock`, line by line: what a reset file lacks is filled in from here.
//!
//! The store does not read the lines; `item::identity` does.

use super::{ROWS, Result, Store, places};

impl Store {
    /// The copy as the file's text.
    pub async fn items_text(&mut self) -> Result<String> {
        let mut lines: Vec<String> =
            sqlx::query_scalar("SELECT line FROM items").fetch_all(&mut self.connection).await?;
        // By bytes, as the file is: a server may sort as a language does.
        lines.sort_unstable();
        Ok(lines.into_iter().map(|line| line + "\n").collect())
    }

    /// Makes the copy say what the file says.
    pub async fn remember_items(&mut self, text: &str) -> Result<()> {
        if self.items_text().await? == sorted(text) {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM items").execute(&mut *transaction).await?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        for batch in lines.chunks(ROWS) {
            let text = format!(
                "INSERT INTO items (line) VALUES {} ON CONFLICT (line) DO NOTHING",
                places(batch.len(), 1, 0)
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
            for line in batch {
                query = query.bind(*line);
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        the_copy_is_what_was_remembered_last,
    }

    fn the_copy_is_what_was_remembered_last(place: Place) {
        wait(async {
            let mut store = place.open().await;
            assert_eq!(store.items_text().await.unwrap(), "");
            store.remember_items("b\tx\na\té\nb\tx\n").await.unwrap();
            assert_eq!(store.items_text().await.unwrap(), "a\té\nb\tx\n");
            store.remember_items("c\n").await.unwrap();
            assert_eq!(store.items_text().await.unwrap(), "c\n");
        });
    }
}
