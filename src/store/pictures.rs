//! Pictures of letters, kept with them: a letter that was sent shows them for as long as it was promised, though the
//! item or its file are gone.
//!
//! Promises: a picture of several letters is kept once, until the last of them lets it go; what is not asked for is not
//! read: [`Store::kept_pictures`] gives names alone.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use sqlx::{AnyConnection, Row};

use super::{ROWS, Result, Store, StoreError, places};

/// A picture, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPicture {
    /// Of its content.
    pub name: String,
    pub media_type: String,
    pub content: Vec<u8>,
}

impl Store {
    /// Keeps pictures until this moment, or longer where they are kept already.
    pub async fn keep_pictures(&mut self, pictures: &[KeptPicture], until: DateTime<Utc>) -> Result<()> {
        if pictures.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        keep(&mut transaction, pictures, until).await?;
        Ok(transaction.commit().await?)
    }

    /// The names of the pictures that are kept at this moment, sorted; the others are dropped.
    pub async fn kept_pictures(&mut self, now: DateTime<Utc>) -> Result<Vec<String>> {
        let rows = sqlx::query("SELECT name, keep_until FROM pictures ORDER BY name")
            .fetch_all(&mut self.connection)
            .await?;
        let (mut kept, mut expired) = (Vec::new(), false);
        for row in rows {
            let until: i64 = row.try_get(1)?;
            if until >= now.timestamp() { kept.push(row.try_get(0)?) } else { expired = true }
        }
        if expired {
            sqlx::query("DELETE FROM pictures WHERE keep_until < $1")
                .bind(now.timestamp())
                .execute(&mut self.connection)
                .await?;
        }
        Ok(kept)
    }

    /// One picture; `None` where it is not kept.
    pub async fn kept_picture(&mut self, name: &str) -> Result<Option<KeptPicture>> {
        let row = sqlx::query("SELECT media_type, content FROM pictures WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut self.connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let text: String = row.try_get(1)?;
        let content = BASE64.decode(text.as_bytes()).map_err(|error| StoreError::Content(error.to_string()))?;
        Ok(Some(KeptPicture { name: name.to_string(), media_type: row.try_get(0)?, content }))
    }
}

/// Part of a transaction: of freezing a letter, say, so that no letter is there without its pictures.
pub(super) async fn keep(
    connection: &mut AnyConnection,
    pictures: &[KeptPicture],
    until: DateTime<Utc>,
) -> Result<()> {
    for batch in pictures.chunks(ROWS) {
        let text = format!(
            "INSERT INTO pictures (name, media_type, content, keep_until) VALUES {}
             ON CONFLICT (name) DO UPDATE SET keep_until =
                CASE WHEN pictures.keep_until < excluded.keep_until THEN excluded.keep_until ELSE pictures.keep_until END",
            places(batch.len(), 4, 0)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for picture in batch {
            let content = BASE64.encode(&picture.content);
            query = query.bind(&picture.name).bind(&picture.media_type).bind(content).bind(until.timestamp());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Place, on_both_stores, wait};

    fn picture(name: &str) -> KeptPicture {
        KeptPicture { name: name.to_string(), media_type: "image/png".to_string(), content: vec![0, 255, 7] }
    }

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::days(day)
    }

    on_both_stores! {
        a_picture_is_kept_until_the_last_letter_that_shows_it_lets_it_go,
    }

    fn a_picture_is_kept_until_the_last_letter_that_shows_it_lets_it_go(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.keep_pictures(&[picture("b.png"), picture("a.png")], day(10)).await.unwrap();
            store.keep_pictures(&[picture("b.png")], day(20)).await.unwrap();
            store.keep_pictures(&[picture("b.png")], day(5)).await.unwrap();
            store.keep_pictures(&[], day(99)).await.unwrap();
            assert_eq!(store.kept_pictures(day(10)).await.unwrap(), ["a.png", "b.png"]);
            assert_eq!(store.kept_picture("b.png").await.unwrap(), Some(picture("b.png")));
            assert_eq!(store.kept_pictures(day(11)).await.unwrap(), ["b.png"]);
            assert_eq!(store.kept_picture("a.png").await.unwrap(), None);
            // Dropped, not hidden: an earlier clock does not bring it back.
            assert_eq!(store.kept_pictures(day(1)).await.unwrap(), ["b.png"]);
            assert_eq!(store.kept_pictures(day(21)).await.unwrap(), Vec::<String>::new());
        });
    }
}
