//! Lines of the text part: at most 72 characters, never broken inside an address.

const WIDTH: usize = 72;

/// The text with its long lines broken at spaces, trailing spaces gone (but a signature's `-- `), and never two empty
/// lines in a row.
pub fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut blank = true;
    for line in text.lines() {
        if line == "-- " {
            out.push_str("-- \n");
            blank = false;
            continue;
        }
        if line.trim().is_empty() {
            if !blank {
                out.push('\n');
            }
            blank = true;
            continue;
        }
        blank = false;
        wrap_line(line.trim_end(), &mut out);
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn wrap_line(line: &str, out: &mut String) {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let hanging = if line.trim_start().starts_with("- ") { "  " } else { "" };
    let mut width = 0;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if width == 0 {
            out.push_str(&indent);
            width = indent.len();
        } else if width + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&indent);
            out.push_str(hanging);
            width = indent.len() + hanging.len();
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_at_spaces_and_addresses_stay_whole() {
        let url = format!("https://site.example.org/{}", "a".repeat(90));
        let text = wrap(&format!("{} {url} fin\u{a0}!", "mot ".repeat(20).trim()));
        for line in text.lines() {
            assert!(line.chars().count() <= 72 || line == url, "{line}");
        }
        assert!(text.contains(&format!("\n{url}\nfin\u{a0}!\n")), "{text}");
    }

    #[test]
    fn a_lists_lines_stay_under_its_text_and_a_signature_keeps_its_space() {
        let text = wrap(&format!("- {}\n\n\n\n-- \nx  \n\n", "mot ".repeat(30)));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("  mot"), "{text}");
        assert!(text.ends_with("\n\n-- \nx\n"), "{text:?}");
    }
}
