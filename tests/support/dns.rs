//! A name server that knows a few texts and nothing else (RFC 1035), over UDP and, for long answers, TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

pub struct NameServer {
    address: SocketAddr,
}

impl NameServer {
    /// Starts one that holds these TXT records; it ends with the process.
    pub fn start(records: &[(&str, String)]) -> NameServer {
        let records: Vec<(String, String)> =
            records.iter().map(|(name, text)| (name.to_string(), text.clone())).collect();
        // The same port for both.
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("an address")) {
                break (tcp, udp);
            }
        };
        let address = udp.local_addr().expect("an address");
        let known = records.clone();
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut query) {
                let mut reply = answer(&query[..length], &known);
                if reply.len() > 512 {
                    // Cut: ask again over TCP.
                    reply[2] |= 0x02;
                    reply.truncate(question_end(&query[..length]));
                    reply[6..8].fill(0);
                }
                let _ = udp.send_to(&reply, from);
            }
        });
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().flatten() {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                    if stream.read_exact(&mut query).is_err() {
                        break;
                    }
                    let reply = answer(&query, &records);
                    let length = u16::try_from(reply.len()).expect("a short reply").to_be_bytes();
                    let _ = stream.write_all(&[&length[..], &reply].concat());
                }
            }
        });
        NameServer { address }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

/// Where the first question ends.
fn question_end(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += usize::from(query[at]) + 1;
    }
    at + 5
}

fn answer(query: &[u8], records: &[(String, String)]) -> Vec<u8> {
    let end = question_end(query);
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let name = labels.join(".");
    let found: Vec<&String> = records.iter().filter(|(known, _)| *known == name).map(|(_, text)| text).collect();
    let mut reply = query[..2].to_vec();
    // An answer with authority: no error, or no such name.
    reply.extend_from_slice(&[0x84, if found.is_empty() { 3 } else { 0 }, 0, 1]);
    reply.extend_from_slice(&u16::try_from(found.len()).expect("few").to_be_bytes());
    reply.extend_from_slice(&[0; 4]);
    reply.extend_from_slice(&query[12..end]);
    for text in found {
        let data: Vec<u8> =
            text.as_bytes().chunks(255).flat_map(|part| [&[part.len() as u8], part].concat()).collect();
        // The question's name; TXT, IN, a minute.
        reply.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        reply.extend_from_slice(&u16::try_from(data.len()).expect("short").to_be_bytes());
        reply.extend_from_slice(&data);
    }
    reply
}
