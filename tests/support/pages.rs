//! A web server whose pages are there or not, as a test says.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Answers 200 to the paths that `there` knows, and 404 to others, as long as the process lives. Gives its address,
/// which ends in `/`.
pub fn serve(there: impl Fn(&str) -> bool + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://127.0.0.1:{}/", listener.local_addr().expect("its number").port());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let _ = reader.read_line(&mut request);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let status = if there(path) { "200 OK" } else { "404 Not Found" };
            let _ = stream
                .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
        }
    });
    address
}
