//! `corelog serve`: the configuration out of file and flags, then the cores.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "runs before the cores do, outside the environment"
)]

use std::{
    fs,
    io::IsTerminal,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use tracing_subscriber::{EnvFilter, reload};

use crate::{
    config::{BrokerConfig, Settings, broker::LogFormat, broker_keys, file, listener::Endpoint},
    core::{
        data_dir::DataDir,
        env::CoreId,
        http_thread::HttpListener,
        launch::{CoreStart, Options, launch},
        mailbox, supervisor,
    },
    limits,
    loggers::{Apply, Loggers},
    metrics::{board::Life, http, pages},
    serve::{self, CoreSeat, shared::Shared},
};

/// What `corelog serve` takes. None is needed.
#[derive(Args)]
pub(super) struct Serve {
    /// Configuration file: TOML with Kafka's key names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory, once for each disk [default: corelog-data, beside where it is started].
    #[arg(long = "data-dir", value_name = "DIR")]
    data_dirs: Vec<PathBuf>,
    /// Where to listen [default: 127.0.0.1:9092].
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// How many cores to run on [default: all].
    #[arg(long, value_name = "N")]
    cores: Option<u16>,
    /// Where to serve metrics and health over HTTP: HOST:PORT, or none [default: 127.0.0.1:9404].
    #[arg(long, value_name = "AT")]
    metrics: Option<String>,
    /// The form of log lines: text or json [default: text].
    #[arg(long, value_name = "FORM")]
    log_format: Option<String>,
    /// Memory for buffers, caches and unsent answers, such as 512MiB [default: a quarter of what there is].
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), String> {
        let config = resolve_names(self.configuration()?)?;
        let loggers = Arc::new(Loggers::default());
        start_tracing(config.log_format, &loggers);
        let (_taken, unusable) =
            DataDir::take_all(&config.data_dirs, limits::DATA_DIR_PATIENCE).map_err(|error| error.to_string())?;
        serve(Arc::new(config), &Arc::new(Shared::new(loggers, unusable)))
    }

    /// The file's values, and the flags' over them.
    fn configuration(&self) -> Result<BrokerConfig, String> {
        let mut settings = Settings::default();
        if let Some(path) = &self.config {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("--config {name}: {error}"))?;
            file::read(&name, &text, &mut settings).map_err(|error| error.to_string())?;
        }
        let mut set = |flag: &str, key: &str, value: Option<String>| match value {
            Some(value) => {
                let definition = broker_keys::find(key).expect("flags stand for keys");
                settings.set(definition, &value).map_err(|error| format!("{flag}: {error}"))
            }
            None => Ok(()),
        };
        let listen = self.listen.as_deref().map(Endpoint::parse).transpose();
        let listen = listen.map_err(|error| format!("--listen: {error}"))?;
        set("--listen", "listeners", listen.map(|at| format!("PLAINTEXT://{at}")))?;
        let dirs: Vec<String> = self.data_dirs.iter().map(|dir| dir.display().to_string()).collect();
        set("--data-dir", "log.dirs", (!dirs.is_empty()).then(|| dirs.join(",")))?;
        set("--cores", "cores", self.cores.map(|cores| cores.to_string()))?;
        set("--memory", "memory", self.memory.clone())?;
        set("--metrics", "metrics.listener", self.metrics.clone())?;
        set("--log-format", "logging.format", self.log_format.clone())?;
        BrokerConfig::new(settings).map_err(|error| error.to_string())
    }
}

/// Turns the names of bind addresses into addresses, while blocking is still allowed.
fn resolve_names(mut config: BrokerConfig) -> Result<BrokerConfig, String> {
    // Clients are told of the data directories, from wherever they are.
    for dir in &mut config.data_dirs {
        *dir = std::path::absolute(&*dir).map_err(|error| error.to_string())?;
    }
    for listener in config.listeners.iter_mut().filter(|listener| !listener.bind.host.is_empty()) {
        let address = resolve(&listener.bind).map_err(|error| format!("listener {}: {error}", listener.name))?;
        listener.bind.host = address.ip().to_string();
    }
    Ok(config)
}

fn resolve(at: &Endpoint) -> Result<SocketAddr, String> {
    let host = if at.host.is_empty() { "0.0.0.0" } else { at.host.as_str() };
    let found = (host, at.port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    found.into_iter().next().ok_or_else(|| format!("{host} has no address"))
}

/// Answers an operator's tools beside the cores. Where the address is only the default, a broker that cannot have it runs
/// without: another one on this machine has it.
fn serve_metrics(config: &BrokerConfig, shared: &Arc<Shared>) -> Result<(), String> {
    let Some(at) = &config.metrics else { return Ok(()) };
    let bound = resolve(&at.bind).and_then(|at| HttpListener::bind(at).map_err(|error| error.to_string()));
    let listener = match bound {
        Ok(listener) => listener,
        Err(error) if at.chosen => return Err(format!("metrics.listener {}: {error}", at.bind)),
        Err(error) => {
            tracing::warn!(at = %at.bind, %error, "metrics and health are not served; choose an address by --metrics");
            return Ok(());
        }
    };
    let address = listener.address().map_err(|error| error.to_string())?;
    let (cores, shared) = (config.cores, shared.clone());
    let page = move |path: &str, now| pages::page(path, &shared.board().read(), now, cores);
    let served = listener.serve(move |bytes, full, now| http::answer(bytes, full, |path| page(path, now)));
    served.map_err(|error| error.to_string())?;
    tracing::info!(%address, "metrics and health");
    Ok(())
}

fn serve(config: Arc<BrokerConfig>, shared: &Arc<Shared>) -> Result<(), String> {
    shared.watch_life(tell_supervisor);
    serve_metrics(&config, shared)?;
    let mut seats = mailbox::mesh(config.cores, limits::MAILBOX_CREDITS).into_iter();
    let (cores, spin, gather, dirs) = (config.cores, config.spin, config.gather, config.data_dirs.clone());
    let options = Options { cores, spin, gather, dirs, ..Options::default() };
    let launched = launch(&options, |_: CoreId| {
        let seat = seats.next().expect("a seat for each core");
        let (config, shared) = (config.clone(), shared.clone());
        move |start: CoreStart| {
            let CoreStart { env, stop, rendezvous } = start;
            serve::run(CoreSeat { env, config, shared, seat, stop, rendezvous })
        }
    });
    launched.map_err(|error| error.to_string())?;
    match shared.failure() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn tell_supervisor(life: Life) {
    match life {
        Life::Starting => {}
        Life::Serving => supervisor::tell(supervisor::News::Ready),
        Life::Stopping => supervisor::tell(supervisor::News::Stopping),
    }
}

/// Events go to the standard error; `CORELOG_LOG` chooses them (`debug`, `corelog_broker::net=trace`) until an
/// administrator does.
fn start_tracing(format: LogFormat, loggers: &Loggers) {
    let asked = std::env::var("CORELOG_LOG").ok().filter(|asked| EnvFilter::try_new(asked).is_ok());
    let chosen = asked.unwrap_or_else(|| "info".to_owned());
    let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&chosen)).with_writer(std::io::stderr);
    let apply = match format {
        LogFormat::Text => {
            let subscriber = subscriber.with_target(false).with_ansi(std::io::stderr().is_terminal());
            let subscriber = subscriber.with_filter_reloading();
            let apply = chosen_anew(subscriber.reload_handle());
            subscriber.init();
            apply
        }
        LogFormat::Json => {
            let subscriber = subscriber.json().flatten_event(true).with_filter_reloading();
            let apply = chosen_anew(subscriber.reload_handle());
            subscriber.init();
            apply
        }
    };
    loggers.begin(&chosen, apply);
}

fn chosen_anew<S: 'static>(handle: reload::Handle<EnvFilter, S>) -> Apply {
    Box::new(move |chosen| {
        if let Err(error) = handle.reload(EnvFilter::new(chosen)) {
            tracing::warn!(%error, "the levels of loggers could not be changed");
        }
    })
}
