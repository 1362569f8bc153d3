//! One history: deliveries of one event to the real layer, in a runtime whose time
//! stands still until it is moved.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tower::util::BoxCloneService;
use tower::{Layer, Service, service_fn};
use tower_webhook::dedup::{DedupLayer, Handlers, Lease};
use tower_webhook::store::{Claimed, DedupKey};
use tower_webhook::{Clock, Timestamp, VerifiedBody, provider};

use crate::choices::Choices;
use crate::store::{Answer, Asked, Scripted, Take};

pub const LEASE: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_secs(1);

/// What may happen, and how often.
#[derive(Clone, Copy)]
pub struct Limits {
    pub deliveries: usize,
    pub disconnections: usize,
    /// Steps of the store, or their answers, that are lost, or late.
    pub faults: usize,
    pub ticks: usize,
    pub shutdown: bool,
    pub crash: bool,
    /// Whether handlers may fail and panic.
    pub failures: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Delivered(usize),
    Polled(usize),
    Disconnected(usize),
    Reached(usize),
    AnswerLost(usize),
    StepLost(usize),
    ReachedLate(usize),
    Ended(usize, End),
    Tick,
    Shutdown,
    Crash,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Success,
    Failure,
    Panic,
}

/// What a run came to.
#[derive(Default)]
pub struct Told {
    pub events: Vec<Event>,
    pub wrong: Option<&'static str>,
    /// How often something ran on in a task of its own.
    pub detached: usize,
}

type Route = BoxCloneService<Request<VerifiedBody>, Response<String>, Infallible>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

struct Delivery {
    future: Option<Answering>,
    woken: Arc<Woken>,
    status: Option<StatusCode>,
}

struct Handler {
    by: usize,
    lease: Lease,
    told: Option<oneshot::Sender<End>>,
    end: Option<End>,
    /// Dropped before its end.
    cut: bool,
}

type Running = Arc<Mutex<Vec<Handler>>>;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs one history to its end.
pub fn run(limits: Limits, take: Take, choices: &mut Choices) -> Told {
    let runtime = runtime();
    let mut world = World::new(limits, take);
    runtime.block_on(world.go(choices));
    if world.crashed && world.told.wrong.is_none() {
        // The runtime goes first, and what was running with it.
        drop(runtime);
        for delivery in &mut world.deliveries {
            delivery.future = None;
        }
        self::runtime().block_on(world.after_the_crash());
    }
    world.told
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = Builder::new_current_thread();
    let built = builder.enable_time().start_paused(true).build();
    built.expect("a runtime")
}

struct World {
    limits: Limits,
    store: Arc<Scripted>,
    route: Route,
    handlers: Handlers,
    deliveries: Vec<Delivery>,
    running: Running,
    finished: Option<Pin<Box<dyn Future<Output = ()>>>>,
    shut_down: bool,
    crashed: bool,
    faulted: bool,
    /// How many handlers have been judged at their start.
    started: usize,
    told: Told,
}

impl World {
    fn new(limits: Limits, take: Take) -> Self {
        let store = Arc::new(Scripted::new(take));
        let running = Running::default();
        let (route, handlers) = route(&store, &running);
        Self {
            limits,
            store,
            route,
            handlers,
            deliveries: Vec::new(),
            running,
            finished: None,
            shut_down: false,
            crashed: false,
            faulted: false,
            started: 0,
            told: Told::default(),
        }
    }

    async fn go(&mut self, choices: &mut Choices) {
        while !self.crashed {
            let events = self.events();
            let Some(&event) = (match events.is_empty() {
                true => None,
                false => events.get(choices.choose(events.len())),
            }) else {
                break;
            };
            self.told.events.push(event);
            self.take(event).await;
            settle().await;
            if let Err(why) = self.judge() {
                self.told.wrong = Some(why);
                return;
            }
        }
        if !self.crashed {
            self.told.wrong = self.finale().await.err();
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Handler>> {
        self.running.lock().expect("one thread")
    }

    /// What can happen next. Nothing, once nothing is left to happen.
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let limits = &self.limits;
        for (at, delivery) in self.deliveries.iter().enumerate() {
            if delivery.future.is_some() && delivery.woken.0.load(Ordering::SeqCst) {
                events.push(Event::Polled(at));
            }
        }
        let calls = self.store.calls();
        let some = |awaited: bool| {
            let wanted = calls.iter().enumerate();
            wanted.filter(move |(_, call)| {
                if awaited {
                    call.is_awaited()
                } else {
                    call.is_late()
                }
            })
        };
        events.extend(some(true).map(|(at, _)| Event::Reached(at)));
        for (at, handler) in self.running().iter().enumerate() {
            if handler.told.is_some() && !handler.cut {
                events.push(Event::Ended(at, End::Success));
                if limits.failures {
                    events.push(Event::Ended(at, End::Failure));
                    events.push(Event::Ended(at, End::Panic));
                }
            }
        }
        if self.deliveries.len() < limits.deliveries && !self.shut_down {
            events.push(Event::Delivered(self.deliveries.len()));
        }
        if events.is_empty() && self.handlers.running() == 0 {
            return events;
        }
        if limits.disconnections > 0 {
            let open = self.deliveries.iter().enumerate();
            let open = open.filter(|(_, delivery)| delivery.future.is_some());
            events.extend(open.map(|(at, _)| Event::Disconnected(at)));
        }
        if limits.faults > 0 {
            events.extend(some(true).map(|(at, _)| Event::AnswerLost(at)));
            events.extend(some(true).map(|(at, _)| Event::StepLost(at)));
            events.extend(some(false).map(|(at, _)| Event::ReachedLate(at)));
        }
        // Where nothing else happens, time does.
        if limits.ticks > 0 || events.is_empty() {
            events.push(Event::Tick);
        }
        if limits.shutdown && !self.shut_down && !self.deliveries.is_empty() {
            events.push(Event::Shutdown);
        }
        if limits.crash && !self.deliveries.is_empty() {
            events.push(Event::Crash);
        }
        events
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Delivered(_) => self.deliver(),
            Event::Polled(at) => self.poll(at),
            Event::Disconnected(at) => {
                self.limits.disconnections -= 1;
                let tasks = tasks();
                self.deliveries[at].future = None;
                self.told.detached += tasks.abs_diff(self::tasks());
            }
            Event::Reached(call) => self.store.take(call, false),
            Event::AnswerLost(call) => {
                self.fault();
                self.store.take(call, true);
            }
            Event::StepLost(call) => {
                self.fault();
                self.store.refuse(call);
            }
            Event::ReachedLate(call) => {
                self.fault();
                self.store.take(call, true);
            }
            Event::Ended(at, end) => {
                let told = self.running()[at].told.take();
                let _ = told.expect("it runs").send(end);
            }
            Event::Tick => {
                self.limits.ticks = self.limits.ticks.saturating_sub(1);
                self.store.clock.advance(TICK);
                tokio::time::advance(TICK).await;
            }
            Event::Shutdown => {
                self.shut_down = true;
                let handlers = self.handlers.clone();
                self.finished = Some(Box::pin(async move { handlers.finished().await }));
            }
            Event::Crash => self.crashed = true,
        }
    }

    fn fault(&mut self) {
        self.limits.faults -= 1;
        self.faulted = true;
    }

    fn deliver(&mut self) {
        let at = self.deliveries.len();
        let body = Bytes::from_static(br#"{"id":"evt_1"}"#);
        let mut request = Request::new(body);
        request.extensions_mut().insert(at);
        let request = VerifiedBody::assume_verified(provider::stripe(), request);
        let request = request.expect("a sound scheme");
        self.deliveries.push(Delivery {
            future: Some(Box::pin(self.route.call(request))),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            status: None,
        });
    }

    fn poll(&mut self, at: usize) {
        self.store.polling(at);
        let delivery = &mut self.deliveries[at];
        delivery.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&delivery.woken));
        let Some(future) = &mut delivery.future else {
            return;
        };
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            let Ok(response) = answer;
            delivery.status = Some(response.status());
            delivery.future = None;
        }
    }

    /// What must hold whenever everything waits.
    fn judge(&mut self) -> Result<(), &'static str> {
        let open = self.deliveries.iter().filter(|one| one.future.is_some());
        if self.handlers.running() != open.count() + tasks() {
            return Err("`Handlers::running` is not what runs");
        }
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(finished) = &mut self.finished {
            let ready = finished.as_mut().poll(&mut cx).is_ready();
            if ready != (self.handlers.running() == 0) {
                return Err("`Handlers::finished` ends too early, or not");
            }
            if ready {
                self.finished = None;
            }
        }
        let running = self.running();
        if running.iter().any(|handler| handler.cut) {
            return Err("a handler was cut off");
        }
        // One that is not polled, although its time has come, cannot know.
        let starved = |at: usize| {
            let one = &self.deliveries[at];
            one.future.is_some() && one.woken.0.load(Ordering::SeqCst)
        };
        let believes = |handler: &&Handler| {
            handler.end.is_none() && !handler.lease.is_lost() && !starved(handler.by)
        };
        if running.iter().filter(believes).count() > 1 {
            return Err("two handlers run, and each believes that it holds the event");
        }
        let now = self.store.clock.now();
        for at in self.started..running.len() {
            if self.lease_end(running[at].by) <= now {
                return Err("a handler was started after its own lease was over");
            }
            let earlier = running[..at].iter();
            let holding = earlier.filter(|handler| match handler.end {
                None | Some(End::Success) => true,
                Some(End::Failure | End::Panic) => false,
            });
            if holding
                .map(|handler| self.lease_end(handler.by))
                .any(|end| now < end)
            {
                return Err("a second handler was started while the lease of the first held");
            }
        }
        let started = running.len();
        drop(running);
        self.started = started;
        self.acknowledged_only_what_succeeded()
    }

    fn acknowledged_only_what_succeeded(&self) -> Result<(), &'static str> {
        let ok = self
            .deliveries
            .iter()
            .any(|one| one.status.is_some_and(|status| status.is_success()));
        match ok && !self.has_succeeded() {
            true => Err("an event was acknowledged that had no effect"),
            false => Ok(()),
        }
    }

    fn has_succeeded(&self) -> bool {
        self.running()
            .iter()
            .any(|handler| handler.end == Some(End::Success))
    }

    /// Until when the store holds the event for `delivery`.
    fn lease_end(&self, delivery: usize) -> Timestamp {
        let calls = self.store.calls();
        let holds = calls
            .iter()
            .filter(|call| call.by == delivery)
            .filter(|call| {
                matches!(
                    (call.asked, call.answer),
                    (Asked::Claim(_), Some(Answer::Claimed(Claimed::Won { .. })))
                        | (
                            Asked::Renew(..),
                            Some(Answer::Renewed(tower_webhook::store::Renewed::Extended))
                        )
                )
            });
        let last = holds.map(|call| call.at).max();
        last.map_or(Timestamp::from_unix_millis(0), |at| {
            at.saturating_add(LEASE)
        })
    }

    /// Everything is over, and stays so.
    async fn finale(&mut self) -> Result<(), &'static str> {
        if self.handlers.running() != 0 {
            return Err("something runs on");
        }
        let asked = self.store.calls().len();
        for _ in 0..6 {
            self.store.clock.advance(TICK);
            tokio::time::advance(TICK).await;
            settle().await;
        }
        if self.store.calls().len() != asked {
            return Err("the store is asked although nothing runs");
        }
        if tokio::time::timeout(TICK, self.handlers.finished())
            .await
            .is_err()
        {
            return Err("`Handlers::finished` waits for nobody");
        }
        self.settled_once()?;
        let Some(key) = self.key() else {
            return Ok(());
        };
        match self.store.look(key) {
            Claimed::Duplicate { .. } if self.has_succeeded() => Ok(()),
            Claimed::Duplicate { .. } => Err("an event is done that had no effect"),
            Claimed::Won { .. } if self.has_succeeded() && !self.lost_a_completion() => {
                Err("an event is not done after its effect")
            }
            Claimed::Won { .. } => Ok(()),
            _ => Err("an event is held by nobody"),
        }
    }

    /// Whether a completion, or its answer, was lost, or not answered in time.
    fn lost_a_completion(&self) -> bool {
        let calls = self.store.calls();
        let mut completions = calls
            .iter()
            .filter(|call| matches!(call.asked, Asked::Complete(..)));
        self.faulted || completions.any(|call| call.answer.is_none())
    }

    fn key(&self) -> Option<DedupKey> {
        self.store.calls().iter().find_map(|call| match call.asked {
            Asked::Claim(claim) => Some(claim.key),
            _ => None,
        })
    }

    /// What a handler has claimed is completed or released, as it ended, not both.
    fn settled_once(&self) -> Result<(), &'static str> {
        let calls = self.store.calls();
        for handler in self.running().iter() {
            let count = |is: fn(&Asked) -> bool| {
                let of = calls.iter().filter(|call| call.by == handler.by);
                of.filter(|call| is(&call.asked)).count()
            };
            let completed = count(|asked| matches!(asked, Asked::Complete(..)));
            let released = count(|asked| matches!(asked, Asked::Release(..)));
            let lost = calls.iter().any(|call| {
                let completes = matches!(call.asked, Asked::Complete(..));
                completes && call.by == handler.by && (call.lost || call.answer.is_none())
            });
            let right = match handler.end {
                // A completion that was not answered is asked for again.
                Some(End::Success) if lost => completed > 1 && released == 0,
                Some(End::Success) => completed == 1 && released == 0,
                Some(End::Failure | End::Panic) => completed == 0 && released == 1,
                None => false,
            };
            if !right {
                return Err("an event is not completed, or released, as its handler ended");
            }
        }
        Ok(())
    }

    /// Another process, a lease later: the next delivery finds the event done, or runs.
    async fn after_the_crash(&mut self) {
        let cut = self
            .running()
            .iter()
            .filter(|handler| handler.end.is_none())
            .count();
        if self.running().iter().filter(|handler| handler.cut).count() != cut {
            self.told.wrong = Some("a handler outlives its runtime");
            return;
        }
        self.store.clock.advance(LEASE);
        let (route, handlers) = route(&self.store, &self.running);
        (self.route, self.handlers) = (route, handlers);
        let (before, ran) = (self.has_succeeded(), self.running().len());
        let at = self.deliveries.len();
        self.deliver();
        for _ in 0..20 {
            self.poll(at);
            let waiting = self.store.calls().iter().position(|call| call.is_awaited());
            if let Some(call) = waiting {
                self.store.take(call, false);
            }
            for handler in self.running().iter_mut().skip(ran) {
                if let Some(told) = handler.told.take() {
                    let _ = told.send(End::Success);
                }
            }
            settle().await;
        }
        let again = self.running().len() > ran;
        let status = self.deliveries[at].status;
        if status != Some(StatusCode::OK) || !(again || before) {
            self.told.wrong = Some("an event is lost with its process");
        }
    }
}

/// The layer around handlers that end as they are told.
fn route(store: &Arc<Scripted>, running: &Running) -> (Route, Handlers) {
    let layer = DedupLayer::new(Arc::clone(store) as _);
    let layer = layer
        .with_lease(LEASE)
        .and_then(|layer| layer.with_store_timeout(TICK));
    let layer = layer.expect("a sound configuration");
    let handlers = layer.handlers();
    let running = Arc::clone(running);
    let service =
        service_fn(move |request: Request<VerifiedBody>| handle(request, Arc::clone(&running)));
    (BoxCloneService::new(layer.layer(service)), handlers)
}

async fn handle(
    request: Request<VerifiedBody>,
    running: Running,
) -> Result<Response<String>, Infallible> {
    let (tell, told) = oneshot::channel();
    let lease = request.extensions().get::<Lease>().cloned();
    let by = request.extensions().get::<usize>().copied();
    let mut cut = {
        let mut all = running.lock().expect("one thread");
        all.push(Handler {
            by: by.expect("a number"),
            lease: lease.expect("a lease"),
            told: Some(tell),
            end: None,
            cut: false,
        });
        Cut(Arc::clone(&running), Some(all.len() - 1))
    };
    let end = told.await.expect("it is told");
    if let Some(at) = cut.1.take() {
        running.lock().expect("one thread")[at].end = Some(end);
    }
    let mut response = Response::new(String::new());
    match end {
        End::Success => {}
        End::Failure => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        End::Panic => panic!("as it was told"),
    }
    Ok(response)
}

/// Notes that a handler was dropped before its end.
struct Cut(Running, Option<usize>);

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(at) = self.1 {
            self.0.lock().expect("one thread")[at].cut = true;
        }
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..6 {
        tokio::task::yield_now().await;
    }
}
