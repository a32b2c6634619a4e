//! A project with two years behind it: several newsletters, many editions, one of them under way, people who came and went,
//! a dozen receiving domains, feeds that are read. All of it is made up, the same each time.

use sqlx::{AnyConnection, Connection, Executor};

use super::project::Project;

/// When all this is looked at: in the middle of the last edition's delivery.
pub const NOW: &str = "2026-11-27T15:40:00Z";
const NOW_SECONDS: i64 = 1_795_794_000;
const DAY: i64 = 86_400;

/// Its configuration; nothing has happened yet.
pub fn project(language: &str, more: &str) -> Project {
    let mut project = Project::empty()
        .file(
            "config/crieur.yaml",
            format!(
                "site:\n  url: https://www.example.org/\n  title: Le site d’exemple\n  language: {language}\n  time_zone: Europe/Paris\n\
                 content:\n  paths: [posts]\nmail:\n  transport: maildir:var/outbox\n{more}"
            ),
        )
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre du mois\nfrom: lettre@example.org\nto: recipients\nschedule: 0 9 1 * *\nleave: mailto:non@example.org\n",
        )
        .file(
            "config/newsletters/rendez-vous.yaml",
            "title: Les rendez-vous de la semaine\nfrom: lettre@example.org\nto: recipients\nschedule: 0 9 * * 1\nleave: mailto:non@example.org\n",
        )
        .file(
            "config/newsletters/equipe.yaml",
            "title: La lettre de l’équipe\nfrom: lettre@example.org\nto: file:config/equipe.csv\nschedule: manual\nleave: mailto:non@example.org\n",
        )
        .file("config/equipe.csv", "email,name\nana@example.org,Ana\n")
        .file("feeds/site.yaml", "title: Toutes les nouvelles\noutputs: { atom: feed/feed.xml, json: feed/feed.json }\n")
        .file("feeds/agenda.yaml", "title: L’agenda\noutputs: { rss: feed/agenda.xml }\n")
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nDu nouveau.\n");
    project.at(NOW);
    project
}

/// Fills the database at this address, which the program has opened once.
pub fn fill(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(address).await.expect("the database");
        let mut transaction = connection.begin().await.expect("a transaction");
        transaction.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text()))).await.expect("rows");
        transaction.commit().await.expect("kept");
        connection.close().await.expect("closed");
    });
}

/// Does something to a database.
pub fn change(address: &str, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(address).await.expect("the database");
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_string()))).await.expect("a change");
        connection.close().await.expect("closed");
    });
}

/// Numbers that look random, and are the same each time.
fn noise(seed: i64, below: i64) -> i64 {
    let mixed = (seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)) >> 33;
    mixed.rem_euclid(below)
}

fn text() -> String {
    let mut text = String::new();
    for name in ["news", "rendez-vous", "equipe"] {
        text += &format!("INSERT INTO newsletters (name, started_at, considered_at) VALUES ('{name}', 0, 0);");
    }
    let today = NOW_SECONDS / DAY;
    // A list was imported at the beginning; people come when a letter has been, and go when one comes.
    let mut news: i64 = 812;
    text += &format!("INSERT INTO daily (newsletter, day, joined, gone) VALUES ('news', {}, 812, 0);", today - 715);
    for day in today - 714..=today {
        let season = if (day / 30) % 12 < 2 { 3 } else { 6 };
        let (joined, gone) = ((noise(day, season) - 2).max(0), i64::from(noise(day + 7, 9) == 0));
        news += joined - gone;
        if joined + gone > 0 {
            text += &format!(
                "INSERT INTO daily (newsletter, day, joined, gone) VALUES ('news', {day}, {joined}, {gone});"
            );
        }
    }
    let mut weekly: i64 = 0;
    for day in today - 66..=today {
        let (joined, gone) = (noise(day * 3, 9), i64::from(noise(day * 5, 7) == 0 && weekly > 4));
        weekly += joined - gone;
        if joined + gone > 0 {
            text += &format!(
                "INSERT INTO daily (newsletter, day, joined, gone) VALUES ('rendez-vous', {day}, {joined}, {gone});"
            );
        }
    }
    for (newsletter, people) in [("news", news), ("rendez-vous", weekly)] {
        text += &format!(
            "INSERT INTO subscriptions (newsletter, recipient, state, source, import, since)
             WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {people})
             SELECT '{newsletter}', i, 'subscribed', 'import', 1, 0 FROM n;"
        );
    }
    for (reason, count) in [("bounce", 9), ("soft-bounce", 3), ("complaint", 2)] {
        for n in 0..count {
            let id = 1_000_000 + text.len();
            text += &format!(
                "INSERT INTO suppressions (recipient, email, reason, at) VALUES ({id}, 'x{n}', '{reason}', 0);"
            );
        }
    }
    let mut edition = 0;
    let mut add = |newsletter: &str, number: i64, state: &str, composed: i64, people: i64, text: &mut String| {
        edition += 1;
        let reason = if state == "held" { "'more than a tenth of the first letters was refused'" } else { "NULL" };
        *text += &format!(
            "INSERT INTO editions (id, newsletter, number, state, reason, brakes, items, content, composed_at)
             VALUES ({edition}, '{newsletter}', {number}, '{state}', {reason}, 0, '[]', '', {composed});"
        );
        *text += &deliveries(edition, state, people);
    };
    for number in 1..=24 {
        let composed = NOW_SECONDS - (24 - number) * 30 * DAY - 600;
        let people = 800 + number * (news - 800) / 24;
        add("news", number, if number == 24 { "sending" } else { "done" }, composed, people, &mut text);
    }
    for number in 1..=9 {
        let composed = NOW_SECONDS - (9 - number) * 7 * DAY - 4 * DAY;
        add("rendez-vous", number, "done", composed, number * weekly / 9, &mut text);
    }
    for number in 1..=3 {
        let composed = NOW_SECONDS - (3 - number) * 90 * DAY - 2 * DAY;
        add("equipe", number, if number == 3 { "held" } else { "done" }, composed, 18, &mut text);
    }
    for day in today - 88..=today {
        let grown = (day - today + 88) / 9;
        for (feed, reader, subscribers, every) in [
            ("feed/feed.xml", "Feedly", 118 + grown * 2, 1),
            ("feed/feed.xml", "Inoreader", 64 + grown, 1),
            ("feed/feed.json", "Feedbin", 31 + grown / 2, 2),
            ("feed/feed.xml", "NewsBlur", 17, 1),
            ("feed/feed.xml", "The Old Reader", 9 + grown / 3, 1),
            ("feed/agenda.xml", "Feedly", 12 + grown / 2, 1),
            ("feed/feed.xml", "newsboat", 0, 1),
            ("feed/feed.xml", "FreshRSS", 0, 1),
            ("feed/feed.xml", "browsers", 0, 3),
        ] {
            if day % every == 0 {
                let fetches = if subscribers > 0 { 24 } else { 40 + noise(day + every, 30) + grown };
                text += &format!(
                    "INSERT INTO readers VALUES ('{feed}', {day}, '{reader}', '', {subscribers}, {fetches});"
                );
            }
        }
    }
    text
}

/// An edition's ledger: a dozen domains, some of two people; of the one under way every state.
fn deliveries(edition: i64, state: &str, people: i64) -> String {
    let hash = format!("((i * 7919 + {edition} * 104729) % 1000)");
    let outcome = match state {
        "sending" => format!(
            "CASE WHEN {hash} < 560 THEN 'accepted' WHEN {hash} < 575 THEN 'refused' WHEN {hash} < 590 THEN 'suppressed'
             WHEN {hash} < 594 THEN 'uncertain' ELSE 'pending' END"
        ),
        "held" => "CASE WHEN i < 4 THEN 'refused' WHEN i < 12 THEN 'accepted' ELSE 'pending' END".to_string(),
        _ => format!(
            "CASE WHEN {hash} < {} THEN 'refused' WHEN {hash} < 12 THEN 'suppressed' ELSE 'accepted' END",
            if edition == 17 { 8 } else { 3 }
        ),
    };
    let deferred = format!("CASE WHEN {hash} >= 594 AND {hash} < 690 THEN 1 ELSE 0 END");
    let domain = "CASE WHEN i % 100 < 31 THEN 'grand.example.org' WHEN i % 100 < 50 THEN 'poste.example.org'
        WHEN i % 100 < 62 THEN 'ministere.example.org' WHEN i % 100 < 71 THEN 'region.example.org'
        WHEN i % 100 < 78 THEN 'ville.example.org' WHEN i % 100 < 84 THEN 'universite.example.org'
        WHEN i % 100 < 88 THEN 'libre.example.org' WHEN i % 100 < 91 THEN 'mutuelle.example.org'
        WHEN i % 100 < 94 THEN 'hopital.example.org' WHEN i % 100 < 96 THEN 'musee.example.org'
        WHEN i % 100 < 97 THEN 'journal.example.org' WHEN i % 100 < 98 THEN 'lycee.example.org'
        ELSE 'chez-' || (i % 40) || '.example.org' END";
    let returned = format!(
        "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
         SELECT 'm' || edition || '-' || recipient, edition, recipient,
            CASE WHEN recipient % 700 = 3 THEN 'complaint' WHEN recipient % 3 = 0 THEN 'hard' ELSE 'soft' END, 0, 0, '', 0
         FROM deliveries WHERE edition = {edition} AND state = 'accepted' AND (recipient * 31 + {edition} * 17) % 260 = 5;"
    );
    format!(
        "INSERT INTO deliveries (edition, recipient, email, fields, variant, state, attempts, uncertain, next_try, updated_at)
         WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {people})
         SELECT {edition}, i, 'p' || i || '@' || {domain}, '{{}}', 0, {outcome}, {deferred}, 0, {}, 0 FROM n;{returned}",
        NOW_SECONDS + 300
    )
}
