// Calls from many lines of Rust, by the standard library. Argument: a port.
use std::io::{BufWriter, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

static CALLS: AtomicUsize = AtomicUsize::new(0);

fn request(kind: &str, line: u32) -> String {
    CALLS.fetch_add(1, Ordering::Relaxed);
    format!("GET /{}/{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", kind, line)
}

fn answer(stream: &mut TcpStream) {
    let mut text: Vec<u8> = Vec::new();
    let mut piece = [0u8; 1024];
    while !text.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0);
        text.extend_from_slice(&piece[..count]);
    }
}

struct Shop {
    stream: TcpStream,
}

impl Shop {
    fn get(&mut self, kind: &str) {
        self.stream.write_all(request(kind, line!()).as_bytes()).unwrap();
        answer(&mut self.stream);
    }

    fn parts(&mut self) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        write!(self.stream, "GET /{}/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "parts", line!()).unwrap();
        answer(&mut self.stream);
    }

    fn buffered(&mut self) {
        let mut writer = BufWriter::new(self.stream.try_clone().unwrap());
        writer.write_all(request("buffered", line!() + 1).as_bytes()).unwrap();
        writer.flush().unwrap();
        answer(&mut self.stream);
    }
}

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{}", port)).unwrap();
    let mut shop = Shop { stream };
    shop.get("method");
    shop.parts();
    shop.buffered();
    ["each", "each"].iter().for_each(|kind| {
        shop.stream.write_all(request(kind, line!()).as_bytes()).unwrap();
        answer(&mut shop.stream);
    });
    let mut other = shop.stream.try_clone().unwrap();
    std::thread::spawn(move || {
        other.write_all(request("thread", line!()).as_bytes()).unwrap();
        answer(&mut other);
    })
    .join()
    .unwrap();
    println!("{}", CALLS.load(Ordering::Relaxed));
    // As in lines.h.
    std::thread::sleep(std::time::Duration::from_millis(500));
}
