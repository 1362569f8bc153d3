//! nginx as a load balancer.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::Failure;
use super::servers::{find_program, wait_for};

pub(crate) struct Nginx {
    process: Child,
    pub(crate) address: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Sends requests to each of `machines` in turn.
    pub(crate) fn start(machines: &[SocketAddr]) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        // Free now, and so it is a moment later, most likely.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = dir.path().join("nginx.conf");
        let path = dir.path().display();
        let mut file = fs::File::create(&config)?;
        writeln!(
            file,
            "daemon off; pid {path}/pid; error_log {path}/error.log;"
        )?;
        writeln!(file, "events {{ worker_connections 64; }}")?;
        writeln!(file, "http {{ access_log off;")?;
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(file, "{kind}_temp_path {path}/{kind};")?;
        }
        writeln!(file, "upstream machines {{")?;
        for machine in machines {
            writeln!(file, "server {machine};")?;
        }
        // A request that failed may have been processed: the sender decides
        // when to try again, and not nginx.
        writeln!(
            file,
            "}} server {{ listen {address};
             location / {{ proxy_pass http://machines; proxy_next_upstream off; }} }} }}"
        )?;
        let process = Command::new(find_program("nginx", "nginx-light", &["/usr/sbin".into()]))
            .arg("-e")
            .arg(dir.path().join("error.log"))
            .arg("-c")
            .arg(config)
            .stderr(Stdio::inherit())
            .spawn()?;
        wait_for("nginx", || TcpStream::connect(address).ok());
        Ok(Self {
            process,
            address,
            _dir: dir,
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A request to end, for its workers' sake.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}
