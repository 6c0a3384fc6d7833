//! RS2's published workloads on RS2 itself, timed as ../../p4.ts times Millrace.
//!
//!     rs2-peer <workload> <events> <jobs> <rounds>
//!
//! A round runs so many jobs of so many events, one after the other; their input is made before the
//! time is taken, and the results of each are dropped before the next, on nobody's time. The first
//! round is a warm-up. Prints one line of JSON: medians of the rounds, in nanoseconds per event,
//! and a digest of the results, which the JavaScript side computes in the same way from its own.

mod digest;
mod workloads;

use digest::Digest;
use std::env;
use std::time::Instant;
use tokio::runtime::Runtime;
use workloads::{Event, Workload};

fn main() {
    let given: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize| -> usize { given[index].parse().expect("a whole number") };
    let (name, events, jobs, rounds) = (given[0].as_str(), number(1), number(2), number(3));
    let workload = Workload::named(name);
    let runtime = Runtime::new().expect("a runtime");
    let mut cpu_ns = Vec::new();
    let mut wall_ns = Vec::new();
    let mut digest = 0;
    for round in 0..=rounds {
        let inputs: Vec<Vec<Event>> = (0..jobs).map(|_| workload.events(events)).collect();
        let mut cpu = 0.0;
        let mut wall = 0.0;
        runtime.block_on(async {
            for input in inputs {
                let cpu_before = cpu_time_ns();
                let wall_before = Instant::now();
                let results = workload.run(input).await;
                wall += wall_before.elapsed().as_nanos() as f64;
                cpu += cpu_time_ns() - cpu_before;
                digest = Digest::of(&results);
            }
        });
        if round > 0 {
            cpu_ns.push(cpu / (events * jobs) as f64);
            wall_ns.push(wall / (events * jobs) as f64);
        }
    }
    let line = serde_json::json!({
        "workload": name,
        "events": events,
        "cpuNs": median(cpu_ns),
        "wallNs": median(wall_ns),
        "digest": digest,
    });
    println!("{line}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        (values[half - 1] + values[half]) / 2.0
    }
}

/// CPU time of all threads of this process.
fn cpu_time_ns() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call, which writes nothing else.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0, "there is a clock for CPU time");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
