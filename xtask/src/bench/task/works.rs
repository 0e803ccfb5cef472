//! What is done, by whom, and what it was set out to cost.

use super::peers::Peer::{self, *};

/// What a program does in a process of its own.
pub struct Work {
    /// What the programs call it.
    pub name: &'static str,
    /// Who does it beside ours.
    pub by: &'static [Peer],
    /// On how many processors.
    pub processors: u32,
    /// Whether its figures differ from time to time.
    pub is_timed: bool,
    /// What comes of it.
    pub figures: &'static [Figure],
}

/// One of a work's figures. Of all, less is better, but where nothing is to be reached.
#[derive(Debug)]
pub struct Figure {
    /// What the programs call it.
    pub metric: &'static str,
    /// What the tables call it.
    pub label: &'static str,
    /// The most that ours may have.
    pub limit: Option<f64>,
    /// Who is to have more than ours.
    pub rival: Option<Peer>,
}

impl Figure {
    const fn new(metric: &'static str, label: &'static str) -> Figure {
        Figure {
            metric,
            label,
            limit: None,
            rival: None,
        }
    }

    const fn limit(self, limit: f64) -> Figure {
        Figure {
            limit: Some(limit),
            ..self
        }
    }

    const fn rival(self, rival: Peer) -> Figure {
        Figure {
            rival: Some(rival),
            ..self
        }
    }
}

/// On two processors, by turns until the figures are steady.
const TIMED: Work = Work {
    name: "",
    by: &[],
    processors: 2,
    is_timed: true,
    figures: &[],
};

/// The work in which a server answers: another program puts load on it.
pub const ECHO: &str = "echo";

/// All, in the tables' order.
pub const WORKS: &[Work] = &[
    Work {
        name: "spawn_join",
        by: &[Go, Tokio, AsyncExecutor, May],
        figures: &[
            Figure::new("spawn_join_ns", "a million spawned, then joined: each, ns").limit(150.0),
        ],
        ..TIMED
    },
    Work {
        name: "spawn_seq",
        by: &[Go, Tokio, AsyncExecutor, May],
        figures: &[Figure::new("spawn_seq_ns", "one spawned and joined, ns")],
        ..TIMED
    },
    Work {
        name: "parked",
        by: &[Go, Tokio, AsyncExecutor, May],
        figures: &[
            Figure::new("parked_bytes", "100 000 that wait: memory of each, bytes").limit(4300.0),
            Figure::new("parked_maps", "their mappings").limit(100.0),
            Figure::new("parked_spawn_ns", "until they wait: each, ns"),
        ],
        ..TIMED
    },
    Work {
        name: "pingpong",
        by: &[Go, Tokio, AsyncExecutor, May],
        figures: &[Figure::new("pingpong_ns", "a switch by a channel, ns")
            .limit(80.0)
            .rival(Tokio)],
        ..TIMED
    },
    Work {
        name: "pingpong",
        by: &[Go, Tokio, AsyncExecutor, May],
        processors: 1,
        figures: &[Figure::new(
            "pingpong_ns",
            "a switch by a channel, one processor, ns",
        )],
        ..TIMED
    },
    Work {
        name: "yield",
        by: &[Go, Tokio, AsyncExecutor, May],
        figures: &[Figure::new("yield_ns", "two that yield: a switch, ns").limit(20.0)],
        ..TIMED
    },
    Work {
        name: "yield",
        by: &[Go, Tokio, AsyncExecutor, May],
        processors: 1,
        figures: &[Figure::new(
            "yield_ns",
            "two that yield, one processor: a switch, ns",
        )],
        ..TIMED
    },
    Work {
        name: "switch",
        by: &[Bare],
        figures: &[Figure::new("switch_ns", "from one stack to another, ns").limit(3.0)],
        ..TIMED
    },
    Work {
        name: "getpid",
        by: &[Go],
        figures: &[
            Figure::new("getpid_ns", "getpid, the instruction, ns"),
            Figure::new("getpid_hook_ns", "what the scheduler adds to it, ns").limit(10.0),
        ],
        ..TIMED
    },
    Work {
        name: "clock",
        by: &[Go, Bare],
        figures: &[Figure::new("clock_ns", "a clock read, ns")],
        ..TIMED
    },
    Work {
        name: "handoff",
        by: &[Go],
        processors: 1,
        figures: &[
            Figure::new("handoff_us", "hand-off after a call that blocks, us").limit(30.0),
            Figure::new("handoff_p90_us", "the slowest tenth of these from, us"),
        ],
        ..TIMED
    },
    Work {
        name: "handoff_busy",
        by: &[Go],
        processors: 1,
        figures: &[Figure::new(
            "handoff_busy_us",
            "hand-off after 120 ms without a call, us",
        )
        .limit(200.0)],
        ..TIMED
    },
    Work {
        name: "block_nanosleep",
        by: &[Go, Tokio, Bare],
        figures: &[Figure::new(
            "block_nanosleep_ms",
            "1000 sleep in the kernel for 50 ms: all, ms",
        )],
        ..TIMED
    },
    Work {
        name: "block_pipe",
        by: &[Go, Tokio, Bare],
        figures: &[
            Figure::new("block_pipe_ms", "1000 blocked in reads: until all are, ms").limit(80.0),
            Figure::new("block_pipe_drain_ms", "until all have returned, ms"),
            Figure::new("block_pipe_threads", "threads meanwhile"),
        ],
        ..TIMED
    },
    Work {
        name: "threads_left",
        by: &[Go],
        is_timed: false,
        figures: &[Figure::new("threads_left", "threads ten seconds later").limit(2.0 + 5.0)],
        ..TIMED
    },
    Work {
        name: "thread",
        by: &[Go, Bare],
        figures: &[Figure::new(
            "thread_us",
            "a task with a thread of its own, us",
        )],
        ..TIMED
    },
    Work {
        name: "timers",
        by: &[Go, Tokio, Bare],
        figures: &[Figure::new("sleep_us", "a sleep of 200 us, us").limit(300.0)],
        ..TIMED
    },
    Work {
        name: "stop_the_world",
        by: &[Go],
        figures: &[
            Figure::new("stop_idle_us", "the world stopped and started, idle, us"),
            Figure::new("stop_busy_us", "the same while four tasks compute, us").limit(50.0),
        ],
        ..TIMED
    },
    Work {
        name: ECHO,
        by: &[Go, Tokio, May, Bare],
        figures: &[
            Figure::new("echo_cpu_us", "TCP echo: the server's time a message, us").limit(7.0),
            Figure::new("echo_p50_us", "until it is back: half of them, us"),
            Figure::new("echo_p99_us", "until it is back: 99 of 100, us"),
        ],
        ..TIMED
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_a_row_of_its_own() {
        let mut labels: Vec<&str> = WORKS
            .iter()
            .flat_map(|work| work.figures)
            .map(|figure| figure.label)
            .collect();
        let count = labels.len();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), count);
    }

    #[test]
    fn rivals_do_the_work() {
        for work in WORKS {
            let rivals = work.figures.iter().filter_map(|figure| figure.rival);
            assert!(rivals.into_iter().all(|rival| work.by.contains(&rival)));
        }
    }
}
