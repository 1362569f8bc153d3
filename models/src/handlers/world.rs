//! One history: deliveries of one event to the real layer, in a runtime whose time
//! stands still until it is moved.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use http::{Response, StatusCode};
use tokio::runtime::{Builder, Handle};
use tower::Service;
use tower_webhook::dedup::Handlers;

use crate::choices::Choices;
use crate::event::{Event, Limits, Told};
use crate::route::{End, Handler, Route, Running, TICK, route};
use crate::sender::Sent;
use crate::store::{Call, Scripted, Take};

type Answering = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

pub struct Delivery {
    pub sent: Sent,
    pub future: Option<Answering>,
    pub woken: Arc<Woken>,
    pub status: Option<StatusCode>,
}

pub struct Woken(pub AtomicBool);

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
        self::runtime().block_on(world.after_the_crash(choices));
    }
    world.told
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = Builder::new_current_thread();
    let built = builder.enable_time().start_paused(true).build();
    built.expect("a runtime")
}

pub struct World {
    pub limits: Limits,
    pub store: Arc<Scripted>,
    pub route: Route,
    pub handlers: Handlers,
    pub deliveries: Vec<Delivery>,
    pub running: Running,
    pub finished: Option<Pin<Box<dyn Future<Output = ()>>>>,
    pub shut_down: bool,
    pub crashed: bool,
    pub faulted: bool,
    /// Before the crash.
    pub gave_up: bool,
    /// How many handlers have been judged at their start.
    pub started: usize,
    pub told: Told,
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
            gave_up: false,
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

    pub fn running(&self) -> MutexGuard<'_, Vec<Handler>> {
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
        if limits.prompt && !events.is_empty() {
            events.truncate(1);
            return events;
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
        let in_time = !limits.later || limits.ticks == 0 || self.deliveries.is_empty();
        if self.deliveries.len() < limits.deliveries && !self.shut_down && in_time {
            events.extend(limits.sender.sends.iter().copied().map(Event::Delivered));
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
            Event::Delivered(sent) => self.deliver(sent),
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
            Event::Crash => {
                let calls = self.store.calls();
                let gave_up = calls.iter().any(Call::is_late);
                drop(calls);
                self.gave_up = self.faulted || gave_up;
                self.crashed = true;
            }
        }
    }

    fn fault(&mut self) {
        self.limits.faults -= 1;
        self.faulted = true;
    }

    pub fn deliver(&mut self, sent: Sent) {
        let at = self.deliveries.len();
        let request = self.limits.sender.request(sent, at);
        self.deliveries.push(Delivery {
            sent,
            future: Some(Box::pin(self.route.call(request))),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            status: None,
        });
    }

    pub fn poll(&mut self, at: usize) {
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
}

pub fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Lets every task run until it waits.
pub async fn settle() {
    for _ in 0..6 {
        tokio::task::yield_now().await;
    }
}
