//! The workloads: what RS2's own benchmarks do with a stream, written anew.

use futures_util::stream::{self, StreamExt};
use rs2_stream::state::config::{StateConfig, StateConfigs};
use rs2_stream::state::stream_ext::StateAccess;
use rs2_stream::state::{CustomKeyExtractor, KeyExtractor, StateError, StatefulStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// How many users there are, unless every event has a user of its own.
const USERS: usize = 100;

/// Events of a window, and of a group. A user sends a multiple of it: the groups that are left at
/// the end come in the order of hashes.
const TOGETHER: usize = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub id: u64,
    user_id: String,
    value: f64,
    timestamp: u64,
    category: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    pub count: u64,
    pub sum: f64,
    pub last_value: f64,
    window_data: Vec<f64>,
}

impl Totals {
    fn add(&mut self, event: &Event) {
        self.count += 1;
        self.sum += event.value;
        self.last_value = event.value;
    }
}

pub enum Results {
    Texts(Vec<String>),
    Events(Vec<Event>),
    States(Vec<Totals>),
}

#[derive(Clone, Copy)]
pub enum Workload {
    Map,
    Filter,
    Fold,
    Reduce,
    Deduplicate,
    Throttle,
    Storage,
    Window,
    Session,
    Group,
    LongLived,
    Ttl,
    UniqueKeys,
}

impl Workload {
    pub fn named(name: &str) -> Self {
        match name {
            "map" => Self::Map,
            "filter" => Self::Filter,
            "fold" => Self::Fold,
            "reduce" => Self::Reduce,
            "deduplicate" => Self::Deduplicate,
            "throttle" => Self::Throttle,
            "storage" => Self::Storage,
            "window" => Self::Window,
            "session" => Self::Session,
            "group by" => Self::Group,
            "longLived()" => Self::LongLived,
            "ttl of 5 min" => Self::Ttl,
            "unique keys" => Self::UniqueKeys,
            _ => panic!("there is no workload {name}"),
        }
    }

    pub fn events(self, count: usize) -> Vec<Event> {
        let unique = matches!(self, Self::UniqueKeys);
        let user = |index: usize| if unique { index } else { index % USERS };
        let categories = if unique { 1000 } else { 10 };
        (0..count)
            .map(|index| Event {
                id: index as u64,
                user_id: format!("user_{}", user(index)),
                value: index as f64 * 1.5,
                timestamp: index as u64,
                category: format!("cat_{}", index % categories),
            })
            .collect()
    }

    pub async fn run(self, events: Vec<Event>) -> Results {
        match self {
            Self::Map | Self::UniqueKeys => map(events, StateConfigs::session()).await,
            Self::LongLived => map(events, StateConfigs::long_lived()).await,
            Self::Ttl => map(events, StateConfig::new().ttl(Duration::from_secs(300))).await,
            Self::Filter => filter(events).await,
            Self::Fold => fold(events).await,
            Self::Reduce => reduce(events).await,
            Self::Deduplicate => deduplicate(events).await,
            Self::Throttle => throttle(events).await,
            Self::Storage => storage(events).await,
            Self::Window => window(events).await,
            Self::Session => session(events).await,
            Self::Group => group_by(events).await,
        }
    }
}

fn by_user() -> impl KeyExtractor<Event> + Send + Sync + 'static {
    CustomKeyExtractor::new(|event: &Event| event.user_id.clone())
}

/// The results themselves: an error of the state is a failure of the measurement.
async fn all<T>(stream: impl futures_util::Stream<Item = Result<T, StateError>>) -> Vec<T> {
    let results = stream.collect::<Vec<_>>().await;
    results
        .into_iter()
        .map(|result| result.expect("no refusal"))
        .collect()
}

/// The state of a key, which the storage keeps as JSON.
async fn totals_of(state: &StateAccess) -> Option<Totals> {
    let bytes = state.get().await?;
    Some(serde_json::from_slice(&bytes).expect("what was set"))
}

async fn keep(state: &StateAccess, value: &impl Serialize) {
    let bytes = serde_json::to_vec(value).expect("plain data");
    state.set(&bytes).await.expect("room");
}

async fn map(events: Vec<Event>, config: StateConfig) -> Results {
    let texts = stream::iter(events).stateful_map_rs2(config, by_user(), |event, state| {
        Box::pin(async move {
            let mut totals = totals_of(&state).await.unwrap_or_default();
            totals.add(&event);
            keep(&state, &totals).await;
            Ok(format!("processed_{}_{}", event.id, totals.count))
        })
    });
    Results::Texts(all(texts).await)
}

/// Of each user at most five events in 300 ms of event time.
async fn filter(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let passing = stream::iter(events).stateful_filter_rs2(config, by_user(), |event, state| {
        let timestamp = event.timestamp;
        Box::pin(async move {
            let mut window: HashMap<String, u64> = match state.get().await {
                Some(bytes) => serde_json::from_slice(&bytes).expect("what was set"),
                None => HashMap::new(),
            };
            let start = *window.get("window_start").unwrap_or(&timestamp);
            let before = *window.get("count").unwrap_or(&0);
            let count = if timestamp - start > 300 {
                1
            } else {
                before + 1
            };
            window.insert("count".to_string(), count);
            if count == 1 {
                window.insert("window_start".to_string(), timestamp);
            }
            keep(&state, &window).await;
            Ok(count <= 5)
        })
    });
    Results::Events(all(passing).await)
}

async fn fold(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let start = Totals::default();
    let states =
        stream::iter(events).stateful_fold_rs2(config, by_user(), start, |before, event, state| {
            Box::pin(async move {
                let mut totals = totals_of(&state).await.unwrap_or(before);
                totals.add(&event);
                keep(&state, &totals).await;
                Ok(totals)
            })
        });
    Results::States(all(states).await)
}

/// As fold, but the operator alone keeps the state: nothing is written as JSON.
async fn reduce(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let start = Totals::default();
    let states =
        stream::iter(events).stateful_reduce_rs2(config, by_user(), start, |before, event, _| {
            Box::pin(async move {
                let mut totals = before;
                totals.add(&event);
                Ok(totals)
            })
        });
    Results::States(all(states).await)
}

async fn deduplicate(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let ttl = Duration::from_secs(60);
    let first =
        stream::iter(events).stateful_deduplicate_rs2(config, by_user(), ttl, |event| event);
    Results::Events(all(first).await)
}

/// As many per second as a user sends, and at least 100, as published: RS2 would wait for the rest.
async fn throttle(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let limit = events.len().div_ceil(USERS).max(100) as u32;
    let second = Duration::from_secs(1);
    let passing =
        stream::iter(events).stateful_throttle_rs2(config, by_user(), limit, second, |event| event);
    Results::Events(all(passing).await)
}

/// The storage by itself: a number is read and written, as eight bytes.
async fn storage(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let texts = stream::iter(events).stateful_map_rs2(config, by_user(), |event, state| {
        Box::pin(async move {
            let before = match state.get().await {
                Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
                None => 0,
            };
            let count = before + 1;
            state.set(&count.to_le_bytes()).await.expect("room");
            Ok(format!("processed_{}_{}", event.id, count))
        })
    });
    Results::Texts(all(texts).await)
}

/// What is told of the events of a window, or of a group.
fn summary(events: &[Event]) -> String {
    let sum: f64 = events.iter().map(|event| event.value).sum();
    format!("{}_{}_{}", events[0].id, events.len(), sum)
}

async fn window(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let texts =
        stream::iter(events).stateful_window_rs2(config, by_user(), TOGETHER, |window, _| {
            Box::pin(async move { Ok(summary(&window)) })
        });
    Results::Texts(all(texts).await)
}

/// No session ends; RS2 does not report the first event of one, so that is not looked at.
async fn session(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let gap = Duration::from_secs(1800);
    let same = stream::iter(events).stateful_session_rs2(config, by_user(), gap, |event, _| event);
    Results::Events(all(same).await)
}

async fn group_by(events: Vec<Event>) -> Results {
    let config = StateConfigs::session();
    let texts = stream::iter(events).stateful_group_by_advanced_rs2(
        config,
        by_user(),
        Some(TOGETHER),
        None,
        false,
        |_, group, _| Box::pin(async move { Ok(summary(&group)) }),
    );
    Results::Texts(all(texts).await)
}
