//! What is held about people: their history of consent, tags, topics and proofs; erasing; what is not kept for ever.

use serde_json::Value;

use crate::support::project::Project;

const NEWSLETTER: &str = "title: N\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n\
                          schedule: each-run\nbacklog: announce\n";

fn project() -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!("{NEWSLETTER}topics:\n  - {{ name: events, title: E, select: {{ tags: [e] }} }}\n  - {{ name: jobs, title: J, select: {{ tags: [j] }} }}\n"),
        )
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    project.at("2026-03-01T08:00:00Z");
    project
}

fn import(project: &Project, content: &str, more: &[&str], status: i32) -> Value {
    project.write("people.csv", content);
    let path = project.join("people.csv");
    let mut arguments = vec!["recipients", "import", path.to_str().expect("a path")];
    arguments.extend_from_slice(more);
    project.json(&arguments, status)
}

fn list(project: &Project, filters: &[&str]) -> Vec<String> {
    let printed = project.json(&[&["recipients", "list"], filters].concat(), 0);
    let listed = printed["recipients"].as_array().expect("a list");
    listed.iter().map(|one| one["email"].as_str().expect("text").to_string()).collect()
}

fn history(project: &Project, address: &str) -> Vec<String> {
    let printed = project.json(&["recipients", "history", address], 0);
    let entries = printed["entries"].as_array().expect("entries");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_string();
    let fields = ["what", "source", "newsletter", "basis", "proof"];
    entries.iter().map(|entry| fields.map(|field| text(&entry[field])).join(" ")).collect()
}

/// Runs statements in the project's database, as somebody who tampers would; what they give, a line a row.
fn tamper(project: &Project, statements: &'static str) -> String {
    use sqlx::{Connection, Row};
    sqlx::any::install_default_drivers();
    let address = format!("sqlite://{}", project.join("var/crieur.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rows = runtime.block_on(async {
        let mut connection = sqlx::AnyConnection::connect(&address).await.expect("a database");
        let rows = sqlx::raw_sql(statements).fetch_all(&mut connection).await.expect("statements");
        connection.close().await.expect("it closes");
        rows
    });
    let value = |row: &sqlx::any::AnyRow, column: usize| {
        row.try_get::<String, _>(column).or_else(|_| row.try_get::<i64, _>(column).map(|number| number.to_string()))
    };
    let line = |row: &sqlx::any::AnyRow| {
        (0..row.len()).map(|column| value(row, column).expect("a value")).collect::<Vec<_>>().join("|")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

const PEOPLE: &str = "email,name,tags,topics,basis,proof,city\n\
     ana@example.org,Ana,press mayors,events,consent,form of 2024-05-01,Lyon\n\
     bo@example.org,Bo,mayors,,,,Nice\n\
     cy@example.net,,,,consent,paper 12,\n";

#[test]
fn a_list_brings_tags_topics_and_proofs_and_an_export_writes_them_back() {
    let project = project();
    assert_eq!(import(&project, PEOPLE, &["--tag", "spring"], 0)["added"], 3);
    project.ok(&["recipients", "remove", "cy@example.net"]);
    project.ok(&["recipients", "add", "di@example.org", "--tag", "press", "--topic", "jobs", "--name", "Di"]);
    let exported = project.ok(&["recipients", "export"]);
    let expected = "email,name,newsletter,state,basis,proof,added,suppressed,tags,topics,fields\n\
        ana@example.org,Ana,news,subscribed,consent,form of 2024-05-01,2026-03-01T08:00:00Z,,mayors press spring,events,\"{\"\"city\"\":\"\"Lyon\"\"}\"\n\
        bo@example.org,Bo,news,subscribed,mission,,2026-03-01T08:00:00Z,,mayors spring,,\"{\"\"city\"\":\"\"Nice\"\"}\"\n\
        cy@example.net,,news,left,consent,paper 12,2026-03-01T08:00:00Z,,spring,,\"{\"\"city\"\":\"\"\"\"}\"\n\
        di@example.org,Di,news,subscribed,mission,,2026-03-01T08:00:00Z,,press,jobs,{}\n";
    assert_eq!(exported, expected);

    let other = self::project();
    let printed = import(&other, &exported, &[], 0);
    assert_eq!((&printed["added"], &printed["left"]), (&3.into(), &1.into()));
    assert_eq!(other.ok(&["recipients", "export"]), expected, "in another database it is the same");
    let again = import(&other, &exported, &[], 0);
    assert_eq!((&again["added"], &again["updated"], &again["unchanged"]), (&0.into(), &0.into(), &3.into()));
}

#[test]
fn people_are_listed_by_state_tag_basis_and_domain() {
    let project = project();
    import(&project, PEOPLE, &[], 0);
    project.ok(&["recipients", "remove", "bo@example.org"]);
    let all = ["ana@example.org", "bo@example.org", "cy@example.net"];
    assert_eq!(list(&project, &[]), all);
    assert_eq!(list(&project, &["--tag", "mayors"]), all[..2]);
    assert_eq!(list(&project, &["--tag", "mayor"]), [""; 0]);
    assert_eq!(list(&project, &["--tag", "mayors", "--state", "subscribed"]), all[..1]);
    assert_eq!(list(&project, &["--state", "left"]), all[1..2]);
    assert_eq!(list(&project, &["--basis", "consent", "--domain", "EXAMPLE.net"]), all[2..]);
    assert_eq!(list(&project, &["--domain", "ample.net"]), [""; 0]);
    assert_eq!(list(&project, &["--state", "suppressed"]), [""; 0]);
    assert_eq!(list(&project, &["--newsletter", "news"]).len(), 3);
    let table = project.ok(&["recipients", "list", "--state", "subscribed"]);
    let expected = "ADDRESS          NAME  NEWSLETTER     STATE       SINCE       BASIS    TAGS\n\
                    ana@example.org  Ana   news (events)  subscribed  2026-03-01  consent  mayors press\n\
                    cy@example.net         news           subscribed  2026-03-01  consent\n";
    assert_eq!(table, expected);
}

#[test]
fn what_was_said_of_a_subscription_is_written_down_once() {
    let mut project = project();
    import(&project, PEOPLE, &[], 0);
    import(&project, PEOPLE, &[], 0);
    project.at("2026-03-02T08:00:00Z");
    project.ok(&["recipients", "remove", "ana@example.org"]);
    import(&project, PEOPLE, &[], 0);
    project.ok(&["recipients", "add", "ana@example.org", "--again"]);
    import(&project, "email,basis,proof\nbo@example.org,consent,letter of May\n", &["--sync"], 0);
    let expected = [
        "imported import news consent form of 2024-05-01",
        "removed operator news - -",
        "added operator news consent form of 2024-05-01",
        "retired import news - -",
    ];
    assert_eq!(history(&project, "ana@example.org"), expected);
    let expected = ["imported import news mission -", "basis import news consent letter of May"];
    assert_eq!(history(&project, "bo@example.org"), expected);
    import(&project, "email\nbo@example.org\n", &["--basis", "mission"], 0);
    assert_eq!(history(&project, "bo@example.org").len(), 2, "no mission takes a consent's place");
    let shown = project.ok(&["recipients", "history", "ana@example.org"]);
    assert!(
        shown.contains("imported: news, by an imported list, consent (form of 2024-05-01)\n    topics: events"),
        "{shown}"
    );
    let explained = project.ok(&["explain", "ana@example.org"]);
    assert!(explained.contains("history: 4 entries"), "{explained}");
    let unknown = project.ok(&["recipients", "history", "nobody@example.org"]);
    assert!(unknown.contains("nothing is written down"), "{unknown}");
}

#[test]
fn a_tampered_history_is_found_and_where() {
    let project = project();
    let none = project.json(&["recipients", "history", "--verify"], 0);
    assert_eq!((&none["holds"], &none["head"]), (&true.into(), &Value::Null));
    import(&project, PEOPLE, &[], 0);
    project.ok(&["recipients", "remove", "bo@example.org"]);
    let verified = project.json(&["recipients", "history", "--verify"], 0);
    assert_eq!((&verified["holds"], &verified["entries"]), (&true.into(), &4.into()));
    let head = verified["head"].as_str().expect("a head").to_string();
    project.ok(&["recipients", "add", "bo@example.org", "--again"]);
    project.json(&["recipients", "history", "--verify", "--head", &head], 0);

    tamper(
        &project,
        "UPDATE history SET sealed = (SELECT sealed FROM history WHERE sequence = 2) WHERE sequence = 4",
    );
    let verified = project.json(&["recipients", "history", "--verify"], 1);
    assert_eq!((&verified["holds"], &verified["fault"]["sequence"]), (&false.into(), &4.into()));
    let said = project.crieur(&["recipients", "history", "--verify"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("the chain does not hold at entry 4: it was changed"), "{}", said.stderr);

    tamper(&project, "DELETE FROM history; UPDATE history_head SET sequence = 0, hash = ''");
    project.json(&["recipients", "history", "--verify"], 0);
    project.json(&["recipients", "history", "--verify", "--head", &head], 1);
}

#[test]
fn whoever_is_erased_is_gone_and_no_list_takes_them_in_again() {
    let project = project().file(
        "config/newsletters/other.yaml",
        "title: O\nfrom: lettre@example.org\nto: file:ours.csv\nleave: mailto:partir@example.org\n\
         schedule: each-run\nbacklog: announce\n",
    );
    project.write("ours.csv", "email,name\nana@example.org,Anastasia\neve@example.org,\n");
    let people = PEOPLE.replace(",Ana,", ",Anastasia,");
    import(&project, &people, &[], 0);
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"].as_array().expect("editions").len(), 2);
    let asked = project.crieur(&["recipients", "erase", "ana@example.org"]);
    assert_eq!(asked.status, 2);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert_eq!(list(&project, &[]).len(), 3);

    let erased = project.json(&["recipients", "erase", "Ana@Example.org", "--yes"], 0);
    assert_eq!((&erased["was_known"], &erased["deliveries"]), (&true.into(), &2.into()));
    assert_eq!(erased["files"], serde_json::json!(["ours.csv"]));
    let bytes =
        ["var/crieur.db", "var/crieur.db-wal"].map(|file| std::fs::read(project.join(file)).unwrap_or_default());
    let text = String::from_utf8_lossy(&bytes.concat()).to_lowercase();
    assert!(text.contains("bo@example.org") && text.contains("eve@example.org"));
    assert!(!text.contains("anastasia") && !text.contains("ana@example.org"), "the database's file holds them still");

    let again = import(&project, &people, &["--sync"], 0);
    assert_eq!((&again["erased"], &again["unchanged"]), (&1.into(), &2.into()));
    let refused = project.crieur(&["recipients", "add", "ana@example.org", "--again"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("--after-erasure"), "{}", refused.stderr);
    let explained = project.ok(&["explain", "ana@example.org"]);
    assert!(explained.contains("was erased on 2026-03-01"), "{explained}");
    let told = project.json(&["recipients", "history", "ana@example.org"], 0);
    assert_eq!(told["erased"], "2026-03-01T08:00:00Z");
    assert!(told["entries"].as_array().expect("entries").iter().all(|entry| entry["readable"] == false));
    project.json(&["recipients", "history", "--verify"], 0);
    let status = project.json(&["status"], 0);
    let eligible: Vec<&Value> =
        status["editions"].as_array().expect("editions").iter().map(|one| &one["eligible"]).collect();
    assert_eq!(eligible, [3, 2]);

    // The file that still names them brings them no letter.
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-02-02\n---\nDeux.\n");
    let printed = project.json(&["run"], 0);
    let accepted: Vec<&Value> =
        printed["editions"].as_array().expect("editions").iter().map(|one| &one["accepted"]).collect();
    assert_eq!(accepted, [2, 1]);

    project.ok(&["recipients", "add", "ana@example.org", "--after-erasure"]);
    assert_eq!(list(&project, &[]).len(), 3);
    assert_eq!(history(&project, "ana@example.org").last().expect("one"), "added operator news mission -");
}

#[test]
fn deliveries_become_totals_after_the_time_configured() {
    let mut project = project();
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}retention: {{ deliveries: 60d }}\n"));
    import(&project, PEOPLE, &[], 0);
    let sent = project.json(&["run"], 0);
    assert_eq!(sent["editions"][0]["accepted"], 3);
    let counts = |project: &Project| {
        let status = project.json(&["status"], 0);
        let edition = &status["editions"][0];
        ["state", "eligible", "accepted", "refused", "suppressed", "uncertain", "pending"]
            .map(|key| edition[key].to_string())
            .join(" ")
    };
    let before = counts(&project);
    project.at("2026-06-01T08:00:00Z");
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("3 deliveries of 1 editions are totals now"), "{}", ran.stderr);
    assert_eq!(tamper(&project, "SELECT COUNT(*) FROM deliveries"), "0");
    let totals = tamper(&project, "SELECT state, domain, letters FROM totals ORDER BY domain");
    assert_eq!(totals, "accepted|example.net|1\naccepted|example.org|2");
    assert_eq!(counts(&project), before);
    assert_eq!(project.letters("var/outbox").len(), 3, "nothing is sent again");
    let explained = project.ok(&["explain", "ana@example.org"]);
    assert!(explained.contains("news n° 1: no delivery is kept of it"), "{explained}");
    let short = config + "retention: { deliveries: 3d }\n";
    project.write("config/crieur.yaml", short);
    let refused = project.crieur(&["check"]);
    assert!(refused.status != 0 && refused.stderr.contains("30 days"), "{}", refused.stderr);
}

#[test]
fn a_consent_without_its_proof_is_taken_from_no_list() {
    let project = project();
    let printed = import(&project, "email,basis\nana@example.org,consent\nbo@example.org,\n", &[], 1);
    assert_eq!((&printed["added"], &printed["problems"][0]["code"]), (&1.into(), &"list-proof".into()));
    let printed = import(&project, "email\nana@example.org\n", &["--basis", "consent"], 1);
    assert_eq!(printed["added"], 0);
    let printed = import(&project, "email\nana@example.org\n", &["--proof", "forms in the archive"], 0);
    assert_eq!(printed["added"], 1);
    let listed = project.json(&["recipients", "list", "--basis", "consent"], 0);
    assert_eq!(listed["recipients"][0]["proof"], "forms in the archive");
}
