//! Registries on this machine, honest and otherwise: which one is asked, what is sent to it, and what is believed of what it says.

mod downloads;
mod github;
mod npm;
mod pypi;
mod settings;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vetted::digest::{Algorithm, Digest};
use vetted::tool::Os;
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;
use vetted::world::network::{Network, Patience};

/// What a server answers to one path.
#[derive(Clone)]
enum Reply {
    Body(&'static str, Vec<u8>),
    Status(u16),
    To(String),
    /// The head of an answer of this length, then these bytes, each after a pause.
    Slow(u64, Vec<Vec<u8>>, Duration),
}

impl Reply {
    fn json(text: impl Into<String>) -> Self {
        Self::Body("application/json", text.into().into_bytes())
    }

    fn html(text: impl Into<String>) -> Self {
        Self::Body("text/html; charset=utf-8", text.into().into_bytes())
    }

    fn file(bytes: &[u8]) -> Self {
        Self::Body("application/octet-stream", bytes.to_vec())
    }
}

/// What was asked: the target, and what came along.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    target: String,
    authorization: String,
    accept: String,
}

/// A server with an answer for each target; 404 for every other.
struct Server {
    address: SocketAddr,
    replies: Arc<Mutex<BTreeMap<String, Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// What has to come along; empty for nothing.
    password: Arc<Mutex<String>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            replies: Arc::default(),
            asked: Arc::default(),
            password: Arc::default(),
            stopped: Arc::default(),
        };
        let (replies, asked, password, stopped) =
            (server.replies.clone(), server.asked.clone(), server.password.clone(), server.stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (replies, asked, password) = (replies.clone(), asked.clone(), password.clone());
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    let password = password.lock().unwrap().clone();
                    let is_let_in = password.is_empty() || request.authorization == password;
                    let reply = replies.lock().unwrap().get(&request.target).cloned();
                    asked.lock().unwrap().push(request);
                    give(&mut stream, if is_let_in { reply.unwrap_or(Reply::Status(404)) } else { Reply::Status(401) });
                });
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn on(&self, target: &str, reply: Reply) -> &Self {
        self.replies.lock().unwrap().insert(target.to_owned(), reply);
        self
    }

    fn demands(&self, authorization: &str) -> &Self {
        *self.password.lock().unwrap() = authorization.to_owned();
        self
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }

    /// What came along with the requests, each value once.
    fn authorizations(&self) -> Vec<String> {
        let mut all: Vec<String> = self.asked().into_iter().map(|asked| asked.authorization).collect();
        all.sort();
        all.dedup();
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let target = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let (mut authorization, mut accept) = (String::new(), String::new());
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.clone_into(&mut authorization),
            "accept" => value.clone_into(&mut accept),
            _ => {}
        }
    }
    Some(Asked { target, authorization, accept })
}

fn give(stream: &mut TcpStream, reply: Reply) {
    let mut head = |status: u16, more: &str, length: u64| {
        write!(stream, "HTTP/1.1 {status} Said\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n").is_ok()
    };
    match reply {
        Reply::Body(kind, bytes) => {
            head(200, &format!("Content-Type: {kind}\r\n"), bytes.len() as u64);
            let _ = stream.write_all(&bytes);
        }
        Reply::Status(status) => drop(head(status, "", 0)),
        Reply::To(place) => drop(head(302, &format!("Location: {place}\r\n"), 0)),
        Reply::Slow(length, pieces, pause) => {
            head(200, "", length);
            for piece in pieces {
                std::thread::sleep(pause);
                if stream.write_all(&piece).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
        }
    }
}

/// A home with the files that configure installers, and an environment.
struct Home {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    fn new() -> Self {
        let root = tempfile::Builder::new().prefix("vetted-registry-").tempdir().unwrap();
        for folder in ["home", "bin", "work"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root, variables: Vec::new() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program in the only folder of `PATH`.
    #[cfg(unix)]
    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    fn world(&self) -> World {
        let own = [("HOME".to_owned(), "home"), ("PATH".to_owned(), "bin")];
        let own = own.into_iter().map(|(name, folder)| (name, self.path(folder).to_str().unwrap().to_owned()));
        let env = Env::of_pairs(own.chain(self.variables.clone()), &self.path("work"), Os::Linux);
        World { now: "2026-11-21T12:00:00Z".parse().unwrap(), env, files: Files }
    }
}

fn network() -> Network {
    let seconds = Duration::from_secs;
    Network::new(Patience { connect: seconds(2), stall: seconds(2), total: seconds(3) }).unwrap()
}

/// An error with everything below it, as the command shows it.
#[track_caller]
fn refused<T>(result: Result<T, vetted::registry::RegistryError>, parts: &[&str]) {
    let Err(error) = result else { panic!("this was not refused") };
    let error = vetted::error::Error::from(error);
    let text = format!("{}\n{}\n{}", error.message, error.causes.join("\n"), error.hints.join("\n"));
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

fn digests(bytes: &[u8]) -> (Digest, Digest) {
    use sha2::{Digest as _, Sha512};
    (Digest::sha256_of(bytes), Digest::from_bytes(Algorithm::Sha512, &Sha512::digest(bytes)).unwrap())
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(digests(bytes).1.as_bytes()))
}
