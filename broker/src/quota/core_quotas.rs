//! One core's quotas: looked up for each connection, metered, and told to the other cores.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    net::IpAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use corelog_storage::env::{Instant, Lane};

use super::{
    lookup::{self, ConnectionRates, Found, Sharer},
    meter::Window,
    meters_machine::{MeterRef, Meters},
    throttle::{Bound, Limit, Throttle},
};
use crate::{
    api::RequestContext,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    limits,
    metadata::quota::{QuotaKey, Quotas},
    net::admission::ConnectionQuota,
    router::CoreMessage,
};

/// What is metered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Use {
    /// Bytes of Produce requests.
    Produce,
    /// Bytes of Fetch responses.
    Fetch,
    /// Time of a core that requests take, in hundredths of seconds.
    Request,
    /// Partitions created and deleted.
    Mutation,
}

/// So much was used on another core since it last told.
#[derive(Clone, PartialEq, Debug)]
pub struct Usage {
    /// Of what.
    pub what: Use,
    /// By whom; `None` is all those for whom there was no room.
    pub sharer: Option<Sharer>,
    /// How much.
    pub amount: f64,
}

/// One core's part.
pub struct CoreQuotas {
    window: Window,
    quotas: RefCell<Arc<Quotas>>,
    connection_rates: RefCell<ConnectionRates>,
    /// Changes with the quotas.
    generation: Cell<u64>,
    /// Whether there is any quota of what is metered here; and of time.
    on: Cell<bool>,
    timing: Cell<bool>,
    meters: [RefCell<Meters<Sharer>>; 3],
    /// What a quota allows in so many seconds may be used here before the others are told.
    untold_seconds: f64,
    /// The others are to be told at once.
    urgent: Cell<bool>,
    /// Whether the task that tells the others runs.
    telling: Cell<bool>,
}

impl Use {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Produce, Self::Fetch, Self::Request, Self::Mutation];
    /// Those that each core meters, in their order. The controller does the rest.
    const OF_CORES: [Self; 3] = [Self::Produce, Self::Fetch, Self::Request];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Fetch => "fetch",
            Self::Request => "request",
            Self::Mutation => "controller_mutation",
        }
    }

    fn key(self) -> QuotaKey {
        match self {
            Self::Produce => QuotaKey::ProducerByteRate,
            Self::Fetch => QuotaKey::ConsumerByteRate,
            Self::Request => QuotaKey::RequestPercentage,
            Self::Mutation => QuotaKey::ControllerMutationRate,
        }
    }
}

impl CoreQuotas {
    /// No quotas, of rates over this window, on one of so many cores.
    pub fn new(window: Window, cores: u16) -> Self {
        let parts = limits::QUOTA_UNTOLD * usize::from(cores.max(1));
        Self {
            untold_seconds: if cores > 1 { window.whole_seconds() / parts as f64 } else { f64::INFINITY },
            urgent: Cell::new(false),
            window,
            quotas: RefCell::default(),
            connection_rates: RefCell::default(),
            generation: Cell::new(0),
            on: Cell::new(false),
            timing: Cell::new(false),
            meters: std::array::from_fn(|_| RefCell::new(Meters::new(window, limits::QUOTA_METERS))),
            telling: Cell::new(false),
        }
    }

    /// New connections that an address may make; `None` is as many as it likes.
    pub fn connections(&self, ip: IpAddr) -> Option<ConnectionQuota> {
        let rate = self.connection_rates.borrow().rate(ip)?;
        Some(ConnectionQuota { rate, window: self.window })
    }

    /// How many meters there are.
    pub fn meters(&self) -> usize {
        self.meters.iter().map(|meters| meters.borrow().count()).sum()
    }

    /// Takes the quotas as they are now.
    pub fn set(&self, quotas: &Arc<Quotas>) {
        if Arc::ptr_eq(&self.quotas.borrow(), quotas) {
            return;
        }
        let any = |key: QuotaKey| quotas.values().any(|values| values.contains_key(&key));
        self.on.set(Use::OF_CORES.into_iter().any(|what| any(what.key())));
        self.timing.set(any(QuotaKey::RequestPercentage));
        *self.connection_rates.borrow_mut() = ConnectionRates::of(quotas);
        *self.quotas.borrow_mut() = quotas.clone();
        self.generation.set(self.generation.get() + 1);
    }

    /// Sets `judge` to work on the quota that a client has for `what`, if it has one.
    fn with_limit<T>(
        &self,
        context: &RequestContext,
        what: Use,
        now: Instant,
        judge: impl FnOnce(&mut Meters<Sharer>, f64, MeterRef) -> T,
    ) -> Option<T> {
        if !self.on.get() {
            return None;
        }
        let mut bound = context.throttle.bound.borrow_mut();
        let known = bound
            .as_ref()
            .is_some_and(|bound| bound.generation == self.generation.get() && bound.client_id == context.client_id);
        if !known {
            *bound = Some(self.look_up(context, now));
        }
        let limit = bound.as_mut()?.limits[what as usize].as_mut()?;
        let meters = &mut *self.meters[what as usize].borrow_mut();
        if !meters.is_current(limit.meter) {
            limit.meter = meters.find(&limit.found.sharer, limit.found.by_name, now);
        }
        Some(judge(meters, limit.found.limit, limit.meter))
    }

    fn look_up(&self, context: &RequestContext, now: Instant) -> Bound {
        let quotas = self.quotas.borrow();
        let limits = Use::OF_CORES.map(|what| {
            let client_id = context.client_id.as_deref().unwrap_or_default();
            let found: Found = lookup::find(&quotas, what.key(), context.user(), client_id)?;
            let meter = self.meters[what as usize].borrow_mut().find(&found.sharer, found.by_name, now);
            Some(Limit { found, meter })
        });
        Bound { generation: self.generation.get(), client_id: context.client_id.clone(), limits }
    }

    /// So much is used; how long the client has to wait for it.
    pub fn spend(&self, context: &RequestContext, what: Use, amount: f64, now: Instant) -> Duration {
        let judge = |meters: &mut Meters<Sharer>, limit: f64, meter: MeterRef| {
            self.add(meters, limit, meter, amount, now);
            meters.wait(meter, limit, 0.0, now)
        };
        self.with_limit(context, what, now, judge).unwrap_or_default()
    }

    fn add(&self, meters: &mut Meters<Sharer>, limit: f64, meter: MeterRef, amount: f64, now: Instant) {
        meters.add(meter, amount, now);
        if meters.unreported(meter) > limit * self.untold_seconds {
            self.urgent.set(true);
        }
    }

    /// A response of so many bytes is ready. How long the client has to wait, and whether it gets it now; what it does
    /// not get it has not used. What is larger than all that a window allows it gets once it has used nothing else.
    fn offer(&self, context: &RequestContext, bytes: usize, now: Instant) -> (Duration, bool) {
        let judge = |meters: &mut Meters<Sharer>, limit: f64, meter: MeterRef| {
            let wait = meters.wait(meter, limit, bytes as f64, now);
            let given = wait.is_zero() || meters.total(meter, now) == 0.0;
            if given {
                self.add(meters, limit, meter, bytes as f64, now);
            }
            (wait, given)
        };
        self.with_limit(context, Use::Fetch, now, judge).unwrap_or((Duration::ZERO, true))
    }

    /// What the other cores are to be told.
    fn report(&self) -> Vec<Usage> {
        let usage = |what: Use| {
            let used = self.meters[what as usize].borrow_mut().report();
            used.into_iter().map(move |(sharer, amount)| Usage { what, sharer, amount })
        };
        Use::OF_CORES.into_iter().flat_map(usage).collect()
    }
}

/// The most bytes that a fetch of this client may return.
pub fn most_to_fetch<E: NetEnv>(core: &Core<E>, context: &RequestContext) -> usize {
    let seconds = core.quotas.window.whole_seconds();
    let most = core.quotas.with_limit(context, Use::Fetch, core.env.turn(), |_, limit, _| limit * seconds);
    most.map_or(usize::MAX, |most| most as usize)
}

/// A Produce request of so many bytes comes in; returns the milliseconds for which its connection is read no further.
pub fn produced<E: NetEnv>(core: &Core<E>, context: &RequestContext, bytes: usize) -> i32 {
    let wait = core.quotas.spend(context, Use::Produce, bytes as f64, core.env.turn());
    mute(core, &context.throttle, Use::Produce, wait)
}

/// A Fetch response of so many bytes is ready; returns the milliseconds for which its connection is read no further, and
/// whether the client gets it.
pub fn fetched<E: NetEnv>(core: &Core<E>, context: &RequestContext, bytes: usize) -> (i32, bool) {
    let (wait, given) = core.quotas.offer(context, bytes, core.env.turn());
    (mute(core, &context.throttle, Use::Fetch, wait), given)
}

/// A request took so much of this core's time; returns the milliseconds for which its connection is read no further.
pub fn took<E: NetEnv>(core: &Core<E>, context: &RequestContext, time: Duration) -> i32 {
    if time.is_zero() {
        return 0;
    }
    let wait = core.quotas.spend(context, Use::Request, time.as_secs_f64() * 100.0, core.env.turn());
    // As Kafka: no longer than a sample, however much was used.
    mute(core, &context.throttle, Use::Request, wait.min(core.quotas.window.sample()))
}

/// A change of topics left the client a debt until then: its connection is read no further, and the response says so.
pub fn owes<E: NetEnv>(core: &Core<E>, context: &RequestContext, until: Instant) {
    let wait = until.since(core.env.now());
    context.throttle.tell(mute(core, &context.throttle, Use::Mutation, wait));
}

/// The outcome of `work`, and the time of this core that it took: none if there are no quotas of time.
pub async fn timed<E: NetEnv, T>(core: &Core<E>, work: impl Future<Output = T>) -> (T, Duration) {
    if !core.quotas.timing.get() {
        return (work.await, Duration::ZERO);
    }
    let mut work = pin!(work);
    let mut time = Duration::ZERO;
    let outcome = poll_fn(|context| {
        let begun = core.env.now();
        let outcome = work.as_mut().poll(context);
        time += core.env.now().since(begun);
        outcome
    })
    .await;
    (outcome, time)
}

/// Tells the other cores what was used here.
fn tell<E: NetEnv>(core: &Core<E>) {
    core.quotas.urgent.set(false);
    let used = core.quotas.report();
    if !used.is_empty() {
        let used: Arc<[Usage]> = used.into();
        for peer in (0..core.cores()).map(CoreId).filter(|peer| *peer != core.id) {
            core.router.mailbox().note(peer, CoreMessage::QuotaUsage(used.clone()));
        }
    }
}

fn mute<E: NetEnv>(core: &Core<E>, throttle: &Throttle, what: Use, wait: Duration) -> i32 {
    if core.quotas.urgent.get() {
        tell(core);
    }
    if wait.is_zero() {
        return 0;
    }
    let ms = (wait.as_secs_f64() * 1000.0).round().min(f64::from(i32::MAX));
    if ms > 0.0 {
        let wait = Duration::from_millis(ms as u64);
        throttle.mute(core.env.now().after(wait));
        core.metrics.throttled(what, wait);
    }
    ms as i32
}

/// Takes the quotas of a new image; from the first on, the other cores are told what is used here.
pub fn follow<E: NetEnv>(core: &Rc<Core<E>>, quotas: &Arc<Quotas>) {
    core.quotas.set(quotas);
    if core.quotas.on.get() && !core.quotas.telling.replace(true) {
        core.env.spawn(Lane::Latency, tell_others(core.clone()));
    }
}

async fn tell_others<E: NetEnv>(core: Rc<Core<E>>) {
    let mut sweep = core.env.now().after(limits::QUOTA_SWEEP);
    while core.quotas.on.get() && !core.connections.stopping() {
        core.env.sleep(limits::QUOTA_REPORT).await;
        tell(&core);
        let now = core.env.now();
        if now >= sweep {
            core.quotas.meters.iter().for_each(|meters| meters.borrow_mut().sweep(now));
            sweep = now.after(limits::QUOTA_SWEEP);
        }
    }
    // Nobody uses them: each connection looks its own up anew when there are quotas again.
    let fresh = || Meters::new(core.quotas.window, limits::QUOTA_METERS);
    core.quotas.meters.iter().for_each(|meters| *meters.borrow_mut() = fresh());
    core.quotas.telling.set(false);
}

/// Another core tells what was used there.
pub fn heard<E: NetEnv>(core: &Core<E>, used: &[Usage]) {
    let now = core.env.turn();
    for Usage { what, sharer, amount } in used {
        core.quotas.meters[*what as usize].borrow_mut().hear(sharer.as_ref(), *amount, now);
    }
}
