//! A server that answers as no real one should.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What it answers.
pub enum Answer {
    /// A file, whole and in order; 404 where there is none.
    File(Option<Vec<u8>>),
    /// This status and nothing else.
    Status(u16),
    /// Another place.
    Redirect(String),
    /// Nothing, for ever.
    Never,
    /// A byte now and then.
    Drip,
    /// Ten bytes of a hundred, and the end.
    CutOff,
    /// Ten bytes of a chunk of a hundred, and the end.
    CutOffChunk,
    /// A length and no bytes.
    Announced(u64),
    /// Bytes without a length and without an end.
    Endless,
    /// Whatever this is.
    Raw(Vec<u8>),
}

impl Answer {
    pub fn file(path: &Path) -> Self {
        Self::File(fs::read(path).ok())
    }
}

pub struct Server {
    pub address: SocketAddr,
    stopped: Arc<AtomicBool>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Ask `answer` for each request, by its target.
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(move |target, _, stream| give(&answer(target), stream))
    }

    fn with(handle: impl Fn(&str, &Head, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stopped, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_stopped, counter, handle) = (stopped.clone(), requests.clone(), Arc::new(handle));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (counter, handle) = (counter.clone(), handle.clone());
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(head) = Head::read(&mut stream) else { return };
                    counter.fetch_add(1, Ordering::SeqCst);
                    let target = head.target.clone();
                    handle(&target, &head, &mut stream);
                });
            }
        });
        Self { address, stopped, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Nobody listens any more on the port that is returned.
    pub fn stop(self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The head of a request, and its body.
pub struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Head {
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        Some(Self { method, target, headers, body })
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }
}

fn give(answer: &Answer, stream: &mut TcpStream) {
    let close = "Connection: close\r\n";
    let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush()).is_ok();
    match answer {
        Answer::File(Some(bytes)) => {
            send(format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {}\r\n\r\n", bytes.len()).as_bytes());
            send(bytes);
        }
        Answer::File(None) => drop(send(format!("HTTP/1.1 404 Not Found\r\n{close}Content-Length: 0\r\n\r\n").as_bytes())),
        Answer::Status(status) => {
            send(format!("HTTP/1.1 {status} Whatever\r\n{close}Content-Length: 0\r\n\r\n").as_bytes());
        }
        Answer::Redirect(to) => {
            send(format!("HTTP/1.1 302 Found\r\n{close}Location: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
        Answer::Never => std::thread::sleep(Duration::from_secs(30)),
        Answer::Drip => {
            send(format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 1000\r\n\r\n").as_bytes());
            while send(b"#") {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Answer::CutOff => drop(send(format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 100\r\n\r\n0123456789").as_bytes())),
        Answer::CutOffChunk => {
            send(format!("HTTP/1.1 200 OK\r\n{close}Transfer-Encoding: chunked\r\n\r\n64\r\n0123456789").as_bytes());
        }
        Answer::Announced(size) => {
            send(format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {size}\r\n\r\n").as_bytes());
            std::thread::sleep(Duration::from_secs(1));
        }
        Answer::Endless => {
            send(format!("HTTP/1.1 200 OK\r\n{close}\r\n").as_bytes());
            while send(&[b'#'; 65536]) {}
        }
        Answer::Raw(bytes) => drop(send(bytes)),
    }
}

impl Server {
    /// A repository over git's smart protocol, by git's own program (gitprotocol-http(5)), below `/p.git`.
    pub fn of_repository(repository: PathBuf) -> Self {
        Self::with(move |target, head, stream| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let mut child = Command::new("git")
                .arg("http-backend")
                .env("GIT_PROJECT_ROOT", &repository)
                .env("GIT_HTTP_EXPORT_ALL", "1")
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "safe.directory")
                .env("GIT_CONFIG_VALUE_0", "*")
                .env("PATH_INFO", path.trim_start_matches("/p.git"))
                .env("QUERY_STRING", query)
                .env("REQUEST_METHOD", &head.method)
                .env("CONTENT_TYPE", head.header("content-type"))
                .env("HTTP_CONTENT_ENCODING", head.header("content-encoding"))
                .env("GIT_PROTOCOL", head.header("git-protocol"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&head.body).unwrap();
            let output = child.wait_with_output().unwrap().stdout;
            // A CGI program answers with headers of its own, the status among them.
            let end = output.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
            let (headers, body) = output.split_at(end);
            let text = String::from_utf8_lossy(headers);
            let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
            let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{text}", body.len());
            let _ = stream.write_all(body);
        })
    }
}
