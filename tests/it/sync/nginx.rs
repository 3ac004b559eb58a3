//! A real web server over a folder, on a port of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Nginx {
    child: Child,
    prefix: tempfile::TempDir,
    pub port: u16,
    tls_port: Option<u16>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Nginx {
    /// `None`, and said in capitals, where there is no nginx.
    pub fn start(folder: &Path) -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx", "/usr/bin/nginx"];
        let Some(program) = program.into_iter().find(|path| Path::new(path).exists()) else {
            eprintln!("SKIPPED: `nginx` is not here");
            return None;
        };
        let prefix = tempfile::Builder::new().prefix("vetted-nginx-").tempdir().unwrap();
        let certificate = self_signed(prefix.path());
        // Two tests may be given the same port; the one that comes second tries another.
        for _ in 0..5 {
            let (port, tls_port) = (free_port(), certificate.is_some().then(free_port));
            let tls = tls_port.map_or(String::new(), |port| {
                format!("listen 127.0.0.1:{port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;")
            });
            let config = format!(
                "daemon off; worker_processes 1; pid nginx.pid; error_log error.log;\nevents {{}}\nhttp {{\n\
                 log_format short '$request $status $body_bytes_sent $http_user_agent'; access_log access.log short;\n\
                 client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n\
                 server {{ listen 127.0.0.1:{port}; {tls} root {}; }}\n}}\n{}",
                folder.display(),
                if is_root() { "user root;\n" } else { "" },
            );
            fs::write(prefix.path().join("nginx.conf"), config).unwrap();
            let mut child = Command::new(program)
                .args(["-p", prefix.path().to_str().unwrap(), "-c", "nginx.conf", "-e", "error.log"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { child, prefix, port, tls_port });
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("nginx does not start: {}", fs::read_to_string(prefix.path().join("error.log")).unwrap_or_default());
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The port that speaks TLS, and the certificate it shows. `None`, and said in capitals, where there is no openssl.
    pub fn tls(&self) -> Option<(u16, PathBuf)> {
        if self.tls_port.is_none() {
            eprintln!("SKIPPED: `openssl` is not here");
        }
        Some((self.tls_port?, self.prefix.path().join("cert.pem")))
    }

    /// The requests so far: `GET /path HTTP/1.1 status bytes agent`.
    pub fn log(&self) -> Vec<String> {
        // Nginx writes the line when it has answered, which may be after the answer was read.
        std::thread::sleep(Duration::from_millis(200));
        fs::read_to_string(self.prefix.path().join("access.log")).unwrap().lines().map(str::to_owned).collect()
    }

    /// Forget the requests so far.
    pub fn forget(&self) {
        std::thread::sleep(Duration::from_millis(200));
        fs::write(self.prefix.path().join("access.log"), "").unwrap();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers when it is asked to quit; killed, it would leave them.
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A certificate for 127.0.0.1 that nobody vouches for.
fn self_signed(folder: &Path) -> Option<()> {
    let status = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "3650"])
        .args([
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success()).then_some(())
}
