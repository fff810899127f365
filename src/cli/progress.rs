//! Progress on stderr, for a person who waits or a log that is read later.

use super::args::ProgressWhen;
use crate::ingest::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Work shorter than this shows no bar.
const SHOW_AFTER: Duration = Duration::from_secs(1);

/// What tells how far the reading is.
pub enum Meter {
    Silent,
    Bar { bar: ProgressBar, started: Instant, read: AtomicU64 },
    Plain { total: u64, read: AtomicU64, told: AtomicU64 },
}

impl Meter {
    /// `total` is the size of all inputs as they lie on disk; 0 where it is not known.
    pub fn new(when: ProgressWhen, quiet: bool, total: u64) -> Meter {
        let is_terminal = std::io::stderr().is_terminal();
        match when {
            _ if quiet => Meter::Silent,
            ProgressWhen::Auto if is_terminal => Meter::bar(total),
            ProgressWhen::Plain => Meter::Plain { total, read: AtomicU64::new(0), told: AtomicU64::new(0) },
            ProgressWhen::Auto | ProgressWhen::Never => Meter::Silent,
        }
    }

    fn bar(total: u64) -> Meter {
        let bar = ProgressBar::with_draw_target((total > 0).then_some(total), ProgressDrawTarget::hidden());
        let template = if total > 0 {
            "reading [{bar:30}] {percent:>3} %  {bytes} of {total_bytes}, {eta} left"
        } else {
            "reading {bytes}, {bytes_per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Meter::Bar { bar, started: Instant::now(), read: AtomicU64::new(0) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Meter::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Meter {
    fn advance(&self, bytes: u64) {
        match self {
            Meter::Silent => {}
            Meter::Bar { bar, started, read } => {
                let read = read.fetch_add(bytes, Ordering::Relaxed) + bytes;
                if bar.is_hidden() && started.elapsed() >= SHOW_AFTER {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_position(read);
            }
            Meter::Plain { total, read, told } => {
                let read = read.fetch_add(bytes, Ordering::Relaxed) + bytes;
                let tenths = (read * 10).checked_div(*total).unwrap_or(0).min(10);
                if told.fetch_max(tenths, Ordering::Relaxed) < tenths {
                    // A closed stderr must not stop the run.
                    let _ = writeln!(std::io::stderr(), "read {} %", tenths * 10);
                }
            }
        }
    }
}
