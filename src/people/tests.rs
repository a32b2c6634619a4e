use super::*;

fn read(content: &[u8]) -> Result<(Vec<Addressee>, Problems), Box<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.csv"), content).unwrap();
    let secrets = Secrets::from_bytes([1; 32]);
    let mut people = People::open(folder.path(), Path::new("people.csv"), &secrets)?;
    let mut all = Vec::new();
    loop {
        let batch = people.next_batch();
        if batch.is_empty() {
            break;
        }
        all.extend(batch);
    }
    Ok((all, people.problems))
}

#[test]
fn semicolons_a_byte_order_mark_and_more_columns_are_read() {
    let text = "\u{feff}Email;Nom;ville\r\nANA@example.org; Ana ;\"Paris; 12e\"\r\nbo@exämple.org;;\r\n";
    let (people, problems) = read(text.as_bytes()).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let shown: Vec<_> = people.iter().map(|p| (p.email.as_str(), p.name.as_deref(), p.fields.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("ANA@example.org", Some("Ana"), r#"{"ville":"Paris; 12e"}"#),
            ("bo@xn--exmple-cua.org", None, r#"{"ville":""}"#)
        ]
    );
}

#[test]
fn bad_rows_are_named_with_their_place_and_the_good_ones_are_taken() {
    let text = "name,email\nAna,ana@example.org\nBo,bo at example.org\n\"Cy, the\nsecond\",cy@example.org\nDi\nEd,ANA@example.org\nFy,\"fy@\"\n";
    let (people, problems) = read(text.as_bytes()).unwrap();
    assert_eq!(people.iter().map(|p| p.email.as_str()).collect::<Vec<_>>(), ["ana@example.org", "cy@example.org"]);
    assert_eq!(people[1].name.as_deref(), Some("Cy, the second"));
    let places: Vec<_> = problems
        .iter()
        .map(|p| (p.code, p.place.as_ref().unwrap()))
        .map(|(code, place)| (code, place.line.unwrap(), place.column.unwrap(), place.text.clone().unwrap()))
        .collect();
    assert_eq!(
        places,
        [
            ("list-address", 3, 4, "Bo,bo at example.org".to_string()),
            ("list-address", 6, 3, "Di".to_string()),
            ("list-double", 7, 4, "Ed,ANA@example.org".to_string()),
            ("list-address", 8, 4, "Fy,\"fy@\"".to_string()),
        ]
    );
}

#[test]
fn a_list_that_cannot_be_read_at_all_says_why() {
    assert_eq!(read(b"name,city\nAna,Paris\n").unwrap_err().code, "list-header");
    assert_eq!(read(b"").unwrap_err().code, "list-header");
    assert_eq!(read(b"\xFF\xFEe\0").unwrap_err().code, "list-encoding");
    let (people, problems) = read(b"email,name\na@example.org,Zo\xE9\nb@example.org,Bo\n").unwrap();
    assert_eq!((people.len(), problems.0[0].code), (1, "list-encoding"));
}

fn read_for_import(content: &str) -> (Vec<Newcomer>, Problems) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.csv"), content).unwrap();
    let secrets = Secrets::from_bytes([1; 32]);
    let people = People::open(folder.path(), Path::new("people.csv"), &secrets).unwrap();
    let mission = Basis { kind: "mission".to_string(), proof: None };
    let mut people = people.for_import("news", vec!["events".into(), "training".into()], mission);
    let all = people.next_newcomers();
    (all, people.problems)
}

#[test]
fn an_imported_list_says_tags_topics_and_on_what_basis() {
    let (people, problems) = read_for_import(
        "email,Tags,topics,basis,proof,city\n\
         a@example.org,press MAYORS press,training events,consent,form of 2024,Lyon\n\
         b@example.org,,,,,\nc@example.org,x,,,paper 12,\nd@example.org,x;y,,mission,,\n",
    );
    assert!(problems.is_empty(), "{problems:?}");
    let consent = |proof: &str| Some(Basis { kind: "consent".to_string(), proof: Some(proof.to_string()) });
    let tags = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect());
    assert_eq!(people[0].tags, tags(&["mayors", "press"]));
    assert_eq!(people[0].topics.as_deref(), Some("events training"));
    assert_eq!(
        (&people[0].basis, people[0].addressee.fields.as_str()),
        (&consent("form of 2024"), r#"{"city":"Lyon"}"#)
    );
    assert_eq!((&people[1].tags, &people[1].topics, &people[1].basis), (&tags(&[]), &None, &None));
    assert_eq!(people[2].basis, consent("paper 12"), "a proof is a consent's");
    assert_eq!(people[3].basis, Some(Basis { kind: "mission".to_string(), proof: None }));
}

#[test]
fn what_an_imported_list_says_wrongly_is_named_with_its_place() {
    let (people, problems) = read_for_import(
        "email,tags,topics,basis,proof\na@example.org,été,,,\nb@example.org,,sports,,\nc@example.org,,,habit,\n\
         d@example.org,,,consent,\ne@example.org,,,,\n",
    );
    assert_eq!(people.len(), 1);
    let places: Vec<_> = problems.iter().map(|p| (p.code, p.place.as_ref().unwrap())).collect();
    let places: Vec<_> =
        places.iter().map(|(code, place)| (*code, place.line.unwrap(), place.column.unwrap())).collect();
    let expected = [("list-tag", 2, 15), ("list-topic", 3, 16), ("list-basis", 4, 17), ("list-proof", 5, 17)];
    assert_eq!(places, expected);
}

#[test]
fn a_row_has_its_line_whatever_ends_the_lines() {
    for (end, gap) in [("\n", "\n\n"), ("\r\n", "\r\n\r\n"), ("\r\n", "\n\r\n"), ("\n", "\r\n\n")] {
        let list = format!(
            "\u{feff}email,name{end}a@example.org,\"A{end}B\"{end}bad,B{gap}a@example.org,{end}{end}worse,C{end}b@example.org,"
        );
        for in_order in [false, true] {
            let (people, problems) = people_of(list.as_bytes(), in_order);
            assert_eq!(people.len(), 2);
            let told: Vec<_> = problems.iter().map(|one| (one.code, one.place.clone().unwrap())).collect();
            let told: Vec<_> = told
                .iter()
                .map(|(code, place)| (*code, place.line.unwrap(), place.text.as_deref().unwrap()))
                .collect();
            let expected =
                [("list-address", 4, "bad,B"), ("list-double", 6, "a@example.org,"), ("list-address", 8, "worse,C")];
            assert_eq!(told, expected, "{list:?}");
            assert_eq!(problems.iter().nth(1).unwrap().message, "a@example.org is in line 2 already");
        }
    }
}

#[test]
fn an_exported_list_keeps_who_left_and_is_of_one_newsletter() {
    let (people, problems) = read_for_import(
        "email,name,newsletter,state,tags,topics,basis,proof,added,suppressed,fields\n\
         a@example.org,A,news,subscribed,press,events,consent,form,2026-01-01T00:00:00Z,,\"{\"\"city\"\":\"\"Lyon\"\"}\"\n\
         b@example.org,,news,left,,,consent,,2026-01-01T00:00:00Z,complaint,{}\n\
         c@example.org,,news,retired,,,mission,,2026-01-01T00:00:00Z,,{}\n\
         a@example.org,A,other,left,,,mission,,2026-01-01T00:00:00Z,,{}\n",
    );
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(people.len(), 2);
    assert_eq!((people[0].left, people[0].addressee.fields.as_str()), (false, r#"{"city":"Lyon"}"#));
    assert_eq!((people[1].left, people[1].suppressed.as_deref()), (true, Some("complaint")));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = read(&bytes);
        let _ = read(&[b"email;name\n".as_slice(), &bytes].concat());
        let text = String::from_utf8_lossy(&bytes);
        let _ = read_for_import(&format!("email,tags,topics,basis,proof,newsletter,state,added,suppressed,fields\n{text}"));
    }
}

#[test]
fn no_name_holds_a_line_break() {
    let (people, _) = read(b"email,name\na@example.org,\"a\r\nBcc: b@example.org\"\n").unwrap();
    assert_eq!(people[0].name.as_deref(), Some("a  Bcc: b@example.org"));
}

fn people_of(content: &[u8], in_order: bool) -> (Vec<Newcomer>, Problems) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.csv"), content).unwrap();
    let people = People::open(folder.path(), Path::new("people.csv"), &Secrets::from_bytes([1; 32])).unwrap();
    let mission = Basis { kind: "mission".to_string(), proof: None };
    let people = people.for_import("news", vec!["events".into()], mission);
    let mut people = if in_order { people.in_order() } else { people };
    let mut all = Vec::new();
    loop {
        let batch = people.next_newcomers();
        if batch.is_empty() {
            return (all, people.problems);
        }
        all.extend(batch);
    }
}

#[test]
fn in_the_order_of_their_numbers_the_same_people_and_problems_are_found() {
    let many: String = (0..2300).map(|n| format!("p{}@example.org,P {n},,\r\n", n % 2100)).collect();
    for content in [
        "\u{feff}email;name;tags;topics\r\n\r\nana@example.org;\"Ana;\r\n\"\"la\"\" fée\";press;\r\n\r\nno address;Bo;;\r\n\
         cy@example.org;Cy;;unheard\r\nCY@example.org;Cy 2;;events\r\ncy@example.org;Cy 3;;\r\n;;;\r\ndi@example.org\r\n"
            .as_bytes(),
        b"email,name,tags,topics\na@example.org,A,t!,\nb@example.org,Zo\xE9,,\nc@example.org,C\n\n\nd@example.org,\"open\ne@example.org,E",
        b"email,name,tags,topics\rb@example.org,B,,\ra@example.org,A,x,",
        b"email\n",
        format!("email,name,tags,topics\n{many}").as_bytes(),
    ] {
        let (mut people, mut problems) = people_of(content, false);
        let (in_order, their_problems) = people_of(content, true);
        people.sort_by_key(|one| one.addressee.id);
        problems.sort();
        assert_eq!(in_order, people);
        assert_eq!(their_problems, problems);
    }
}

#[test]
fn a_row_that_changes_between_the_readings_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, "email,name\nana@example.org,Ana\nbo@example.org,Bo\n").unwrap();
    let people = People::open(folder.path(), Path::new("people.csv"), &Secrets::from_bytes([1; 32])).unwrap();
    let mut people = people.in_order();
    std::fs::write(&path, "email,name\nann@example.org,Ana\nbo@exam").unwrap();
    assert_eq!(people.next_newcomers(), []);
    let told: Vec<_> =
        people.problems.iter().map(|problem| (problem.code, problem.place.as_ref().unwrap().line)).collect();
    assert_eq!(told, [("list-changed", Some(2)), ("list-changed", Some(3))]);
}
