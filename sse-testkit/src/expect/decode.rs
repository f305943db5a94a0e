//! A whole stream as the values of a type.

use serde::de::DeserializeOwned;

use super::event::judge;
use crate::EventStream;
use crate::record::What;
use crate::recorder::{Spot, Verdict};

impl EventStream {
    /// Takes all events up to the stream's end, which has to be a clean one, each as a value of an
    /// externally tagged enum: the name is the variant, the data what it holds as JSON (`null` for a
    /// variant that holds nothing).
    ///
    /// What is no such value fails the test, and is named. The time bound is for each of them, and
    /// a hundred times that for all.
    #[track_caller]
    pub fn decode_to_end<E: DeserializeOwned + Send>(
        &mut self,
    ) -> impl Future<Output = Vec<E>> + Send {
        let spot = Spot::here();
        async move {
            let name = std::any::type_name::<E>();
            let expected = format!("events that are each a {name}, and then the end of the stream");
            let mut number = 0;
            let values =
                self.recorder
                    .collect_to_end(spot, &expected, move |what| match judge(what) {
                        Verdict::Met(event) => {
                            number += 1;
                            match event.try_tagged() {
                                Ok(value) => Verdict::Met(Some(value)),
                                Err(error) => {
                                    let problem =
                                        format!("event {number} is not a {name}: {error}");
                                    Verdict::Wrong(problem)
                                }
                            }
                        }
                        Verdict::Wrong(_) if matches!(what, What::End { discarded: None }) => {
                            Verdict::Met(None)
                        }
                        other => other.map(|_| None),
                    });
            values.await
        }
    }
}
