//! A repository on loopback: the files of one stage, and the ways in which a server can be hostile without any key.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What a server does instead of answering with the file.
#[derive(Debug, Clone)]
pub enum Trick {
    /// Sends for ever, without saying how much.
    Endless,
    /// Announces more than anybody takes.
    Announce(u64),
    /// Sends the file a byte at a time, and so slowly that the connection never is still for long.
    Drip,
    /// Accepts the question and never answers.
    Silent,
    /// Answers with a status and nothing else.
    Status(u16),
    /// Sends the client elsewhere.
    Redirect(String),
    /// Answers with these bytes.
    Instead(Vec<u8>),
}

#[derive(Default)]
struct State {
    folder: PathBuf,
    tricks: BTreeMap<String, Trick>,
    asked: Vec<String>,
}

/// A server of its own for each test.
pub struct Server {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that hangs up in the middle is what the tests are about.
                thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { address, state }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serve this folder from now on, without tricks.
    pub fn serve(&self, folder: &Path) {
        assert!(folder.is_dir(), "{} was not made", folder.display());
        let mut state = self.state();
        state.folder = folder.to_owned();
        state.tricks.clear();
        state.asked.clear();
    }

    /// Do this when somebody asks for this path.
    pub fn trick(&self, path: &str, trick: Trick) {
        self.state().tricks.insert(path.to_owned(), trick);
    }

    /// What was asked for since the stage began.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    while reader.read_line(&mut line)? > 2 {}
    let (file, trick) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.push(path.clone());
        (state.folder.join(&path), state.tricks.get(&path).cloned())
    };
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
    let length = |bytes: &[u8]| format!("Content-Length: {}\r\n", bytes.len());
    let content = fs::read(&file);
    match (trick, content) {
        (Some(Trick::Endless), _) => {
            stream.write_all(head("200 OK", "").as_bytes())?;
            loop {
                stream.write_all(&[b' '; 65_536])?;
            }
        }
        (Some(Trick::Announce(size)), _) => {
            stream.write_all(head("200 OK", &format!("Content-Length: {size}\r\n")).as_bytes())?;
            thread::sleep(Duration::from_secs(60));
        }
        (Some(Trick::Drip), Ok(bytes)) => {
            stream.write_all(head("200 OK", &length(&bytes)).as_bytes())?;
            for byte in bytes {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(50));
            }
        }
        (Some(Trick::Silent), _) => thread::sleep(Duration::from_secs(60)),
        (Some(Trick::Status(status)), _) => {
            stream.write_all(head(&format!("{status} No"), "Content-Length: 0\r\n").as_bytes())?;
        }
        (Some(Trick::Redirect(to)), _) => {
            stream.write_all(head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n")).as_bytes())?;
        }
        (Some(Trick::Instead(bytes)), _) | (None, Ok(bytes)) => {
            stream.write_all(head("200 OK", &length(&bytes)).as_bytes())?;
            stream.write_all(&bytes)?;
        }
        (_, Err(_)) => stream.write_all(head("404 Not Found", "Content-Length: 0\r\n").as_bytes())?,
    }
    Ok(())
}
