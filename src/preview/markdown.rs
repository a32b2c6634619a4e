//! Words of a site in the Markdown of a pull request, as GitHub and GitLab render it.
//!
//! Promises: a title is plain words on one line, whatever stands in it: no markup, no list, no HTML; it calls nobody, and refers to
//! no issue, commit or change; no e-mail address can be read.
//!
//! BUGS: a hexadecimal word of seven letters or more that happens to be a commit's name becomes a link to it.

/// Follows a sign that forges give a meaning, so that it has none: a backslash is gone before they look for it.
const NOTHING: char = '\u{200b}';

/// A title that leads to its page.
pub fn linked(title: &str, url: &str) -> String {
    if url.starts_with("https://") || url.starts_with("http://") {
        return format!("[{}](<{}>)", escaped(title), url.replace(['<', '>', ' ', '\n', '\\'], ""));
    }
    escaped(title)
}

/// Plain words in Markdown, on one line.
pub fn escaped(text: &str) -> String {
    let text = without_addresses(text);
    let chars: Vec<char> = text.chars().collect();
    let digits = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    let mut out = String::with_capacity(text.len() + 8);
    for (at, character) in chars.iter().copied().enumerate() {
        let begins = match character {
            // A list's mark, or a line's.
            '-' | '+' | '=' => at == 0,
            '.' | ')' => digits > 0 && at == digits,
            _ => false,
        };
        if begins || "\\`*_[]<>|#!~&@$".contains(character) {
            out.push('\\');
        }
        out.push(character);
        if calls(&chars, at) {
            out.push(NOTHING);
        }
    }
    out
}

/// Whether the sign there would call somebody, or refer to something, with what follows: `@name`, `#12`, `!12`, `~label`,
/// `%milestone`, `$12`, `&12`, `GH-12`; or begins an address that would become a link by itself.
fn calls(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| chars.get(at));
    let after = chars.get(at + 1);
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || "_\"'".contains(*c));
    match chars.get(at) {
        Some('@' | '#') => word(after),
        Some('!' | '~' | '%' | '$' | '&') => word(after) && !word(before),
        Some(':') => after == Some(&'/') && chars.get(at + 2) == Some(&'/'),
        Some('-') if after.is_some_and(char::is_ascii_digit) => {
            let letters: String = chars.iter().take(at).rev().take(2).collect();
            letters.eq_ignore_ascii_case("hg")
        }
        _ => false,
    }
}

/// Something that opens at a click. Both forges read Markdown inside when empty lines are around it.
pub fn folded(title: &str, content: &str) -> String {
    let title = without_addresses(title).replace('&', "&amp;").replace('<', "&lt;");
    format!("\n<details><summary>{title}</summary>\n\n{content}\n</details>\n")
}

/// The words on one line, e-mail addresses made unreadable: a pull request may be public.
fn without_addresses(text: &str) -> String {
    let word = |word: &str| {
        let Some((before, after)) = word.split_once('@') else { return word.to_string() };
        let part = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let start =
            before.rfind(|c| !part(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let end = after.find(|c: char| !part(c)).unwrap_or(after.len());
        let (name, host) = (&before[start..], &after[..end]);
        if name.is_empty() || !host.trim_end_matches('.').contains('.') {
            return word.to_string();
        }
        format!("{}…@…{}", &before[..start], &after[end..])
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_plain_words_in_markdown() {
        assert_eq!(escaped("a *b*\n[c](d) <script> 3 < 4"), "a \\*b\\* \\[c\\](d) \\<script\\> 3 \\< 4");
        assert_eq!(linked("a", "javascript:1"), "a");
        assert_eq!(linked("a", "https://e.org/<b>\\>"), "[a](<https://e.org/b>)");
        let lines = ["1. un", "2026) deux", "- trois", "+ quatre", "=== cinq", "--- six", "> sept", "## huit"];
        let escaped_lines = [
            "1\\. un",
            "2026\\) deux",
            "\\- trois",
            "\\+ quatre",
            "\\=== cinq",
            "\\--- six",
            "\\> sept",
            "\\#\\# huit",
        ];
        assert_eq!(lines.map(escaped), escaped_lines);
        assert_eq!(escaped("Le 3. du mois - 10 h"), "Le 3. du mois - 10 h");
    }

    #[test]
    fn a_title_calls_nobody_and_refers_to_nothing() {
        let plain = |text: &str| escaped(text).replace('\\', "");
        assert_eq!(plain("à @octocat, @org/team"), "à @\u{200b}octocat, @\u{200b}org/team");
        assert_eq!(
            plain("#12, a/b#3, GH-4, !5 ~x"),
            "#\u{200b}12, a/b#\u{200b}3, GH-\u{200b}4, !\u{200b}5 ~\u{200b}x"
        );
        assert_eq!(plain("sur https://e.org"), "sur https:\u{200b}//e.org");
        assert_eq!(plain("C#, 5 @ 3, R&D, 20 % !, Oh!"), "C#, 5 @ 3, R&D, 20 % !, Oh!");
    }

    #[test]
    fn an_address_of_anybody_is_not_readable() {
        assert_eq!(without_addresses("de «ada.l@example.org», à tous"), "de «…@…», à tous");
        assert_eq!(without_addresses("<a@b.example.org>"), "<…@…>");
        assert_eq!(without_addresses("5 @ 3, @all, a@b"), "5 @ 3, @all, a@b");
    }
}
