//! What a recorder gets of the streams' numbers.

use std::{cell::RefCell, collections::BTreeMap, fmt::Write as _};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// All that was counted on this thread, while the recorder is set.
pub(crate) struct Numbers {
    snapshotter: Snapshotter,
    read: RefCell<BTreeMap<String, Vec<f64>>>,
}

/// Runs a test with a recorder of its own.
pub(crate) fn counted<F>(test: impl FnOnce(Numbers) -> F)
where
    F: Future<Output = ()>,
{
    crate::spans::subscribe();
    let recorder = DebuggingRecorder::new();
    let numbers = Numbers {
        snapshotter: recorder.snapshotter(),
        read: RefCell::default(),
    };
    metrics::with_local_recorder(&recorder, || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(test(numbers));
    });
}

impl Numbers {
    /// Each by its name and labels; of a histogram, its values.
    pub(crate) fn read(&self) -> BTreeMap<String, Vec<f64>> {
        let mut read = self.read.borrow_mut();
        // A snapshot takes what it shows: it has what came since the last one.
        for (key, unit, description, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            assert!(
                unit.is_some() && description.is_some(),
                "{key}: what is it?"
            );
            let mut name = key.name().to_owned();
            for label in key.labels() {
                write!(name, "{{{}={}}}", label.key(), label.value()).unwrap();
            }
            let values = read.entry(name).or_default();
            let more = match value {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                DebugValue::Counter(value) => value as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(more) => {
                    values.extend(more.into_iter().map(f64::from));
                    continue;
                }
            };
            *values = vec![values.first().unwrap_or(&0.0) + more];
        }
        read.clone()
    }

    pub(crate) fn one(&self, name: &str) -> f64 {
        match self.read().get(name).map(Vec::as_slice) {
            Some([value]) => *value,
            other => panic!("{name}: {other:?}"),
        }
    }
}
