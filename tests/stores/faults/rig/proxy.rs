//! A network in front of a server, which can be broken.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Forwards between its socket and a server's. Ends with this value.
pub struct Proxy {
    dir: TempDir,
    socket: PathBuf,
    network: Arc<Network>,
    task: JoinHandle<()>,
}

struct Network {
    held: watch::Sender<Held>,
    /// After how many bytes the next reply ends, and its connection with it.
    cut: Mutex<Option<usize>>,
}

/// Which bytes wait, as for a network that loses packets for a while.
#[derive(Clone, Copy, Default)]
struct Held {
    requests: bool,
    replies: bool,
}

impl Proxy {
    pub fn of(server: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("twh-").tempdir_in("/tmp");
        let dir = dir.unwrap();
        let socket = dir.path().join(server.file_name().unwrap());
        let listener = UnixListener::bind(&socket).unwrap();
        let network = Arc::new(Network {
            held: watch::Sender::default(),
            cut: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&network)));
        Self {
            dir,
            socket,
            network,
            task,
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The next reply of the server is cut off after `bytes`, with its
    /// connection.
    pub fn cut_next_reply(&self, bytes: usize) {
        *self.network.cut.lock().unwrap() = Some(bytes);
    }

    /// Whether a reply was cut since it was asked for.
    pub fn has_cut(&self) -> bool {
        self.network.cut.lock().unwrap().is_none()
    }

    /// Requests arrive, and replies wait.
    pub fn hold_replies(&self) {
        self.hold(Held {
            requests: false,
            replies: true,
        });
    }

    /// Nothing arrives.
    pub fn hold_everything(&self) {
        self.hold(Held {
            requests: true,
            replies: true,
        });
    }

    /// What was held arrives late, as it does after a network's recovery.
    pub fn heal(&self) {
        self.hold(Held::default());
    }

    fn hold(&self, held: Held) {
        self.network.held.send_replace(held);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: UnixListener, server: PathBuf, network: Arc<Network>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, network) = (server.clone(), Arc::clone(&network));
        connections.spawn(async move { forward(client, &server, &network).await });
    }
}

/// Until either side ends the connection, or it is cut.
async fn forward(mut client: UnixStream, server: &Path, network: &Network) -> io::Result<()> {
    let mut server = UnixStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut before, mut behind) = (network.held.subscribe(), network.held.subscribe());
    let requests = async {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = from_client.read(&mut bytes).await?;
            let passing = before.wait_for(|held| !held.requests).await;
            passing.map_err(io::Error::other)?;
            if count == 0 {
                return Ok(());
            }
            to_server.write_all(&bytes[..count]).await?;
        }
    };
    let replies = async {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = from_server.read(&mut bytes).await?;
            let passing = behind.wait_for(|held| !held.replies).await;
            passing.map_err(io::Error::other)?;
            if count == 0 {
                return Ok(());
            }
            let cut = network.cut.lock().unwrap().take();
            let rest = cut.map_or(count, |cut| cut.min(count));
            to_client.write_all(&bytes[..rest]).await?;
            if cut.is_some() {
                return Ok(());
            }
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = replies => ended,
    }
}
