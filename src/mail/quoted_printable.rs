//! Quoted-printable (RFC 2045, section 6.7) in pieces: a body is encoded once, with places for what differs from one
//! recipient to the next.
//!
//! Promises: a piece stands alone on its lines (soft line breaks around it), so that any other can stand beside it;
//! lines are at most 76 characters long, end in CRLF, never in a space, and never begin with a dot or with `From `:
//! nothing on the way needs to change them. No tab and no two spaces stand in a row: DKIM's relaxed form of a line (RFC 6376,
//! section 3.4.4) is the line.

const LINE: usize = 75;

/// Encodes one piece behind what `out` holds, and ends it with a line break, soft or hard.
pub fn encode_piece(text: &str, out: &mut Vec<u8>) {
    let mut column = 0;
    let bytes = text.as_bytes();
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let rest = bytes.get(index..).unwrap_or_default();
        let line_break = if rest.starts_with(b"\r\n") { 2 } else { usize::from(byte == b'\n' || byte == b'\r') };
        if line_break > 0 {
            out.extend_from_slice(b"\r\n");
            column = 0;
            index += line_break;
            continue;
        }
        let before_break = matches!(bytes.get(index + 1), None | Some(b'\r' | b'\n'));
        let plain = match byte {
            b' ' => !before_break && (column == 0 || out.last() != Some(&b' ')),
            b'=' => false,
            b'.' => column != 0,
            b'F' => column != 0 || !rest.starts_with(b"From "),
            _ => byte.is_ascii_graphic(),
        };
        if column + if plain { 1 } else { 3 } > LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
            // The character is looked at again, at the beginning of a line.
            continue;
        }
        if plain {
            out.push(byte);
            column += 1;
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            column += 3;
        }
        index += 1;
    }
    if column > 0 {
        out.extend_from_slice(b"=\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoded: &[u8]) -> String {
        let mut message =
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                .to_vec();
        message.extend_from_slice(encoded);
        mail_parser::MessageParser::default().parse(&message).unwrap().body_text(0).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn pieces_joined_read_as_the_text_that_they_were() {
        let long = "é".repeat(200);
        let pieces = ["Bonjour ", "Zoé", ",\n\n.point\nFrom here \t\n", "", "=", "\n", long.as_str(), " \n", "fin\n"];
        let mut out = Vec::new();
        for piece in pieces {
            encode_piece(piece, &mut out);
        }
        assert_eq!(decode(&out), pieces.concat());
        for line in out.split(|b| *b == b'\n') {
            assert!(line.len() <= 77, "{}", line.len());
            assert!(!line.ends_with(b" \r") && !line.starts_with(b".") && !line.starts_with(b"From "));
            assert!(line.is_empty() || line.ends_with(b"\r"));
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_pieces_they_read_back(pieces in proptest::collection::vec("[ \t\n.=Fromé🎉a-c]{0,90}", 0..6)) {
            let mut out = Vec::new();
            for piece in &pieces {
                encode_piece(piece, &mut out);
            }
            out.extend_from_slice(b"\r\n");
            assert_eq!(decode(&out), pieces.concat() + "\n");
            for unrelaxed in [&b"  "[..], b"\t", b" \r"] {
                assert!(out.windows(unrelaxed.len()).all(|bytes| bytes != unrelaxed), "{:?}", String::from_utf8_lossy(&out));
            }
            assert!(out.is_ascii() && out.split(|b| *b == b'\n').all(|line| line.len() <= 77 && !line.starts_with(b".")));
        }
    }

    #[test]
    fn a_dot_is_hidden_at_the_beginning_of_a_broken_line_too() {
        let mut out = Vec::new();
        encode_piece(&format!("{}....{}From x\n", "a".repeat(75), "b".repeat(68)), &mut out);
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(!text.contains("\r\n."), "{text}");
        assert_eq!(decode(&out), format!("{}....{}From x\n", "a".repeat(75), "b".repeat(68)));
    }
}
