//! Decoding an event's data.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::parser::Event;

impl Event {
    /// The data, decoded from JSON.
    ///
    /// # Panics
    ///
    /// If the data is not JSON, or not of this type.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_str(&self.data) {
            Ok(value) => value,
            Err(error) => self.undecodable::<T>(&error),
        }
    }

    /// The event as a value of an externally tagged enum: the name is the variant, the data what it
    /// holds as JSON (`null` for a variant that holds nothing).
    ///
    /// # Panics
    ///
    /// If the data is not JSON, or there is no such variant.
    #[track_caller]
    pub fn tagged<T: DeserializeOwned>(&self) -> T {
        match self.try_tagged() {
            Ok(value) => value,
            Err(error) => self.undecodable::<T>(&error),
        }
    }

    pub(crate) fn try_tagged<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let data: Value = serde_json::from_str(&self.data)?;
        let tagged = [(self.event.clone(), data)].into_iter().collect();
        serde_json::from_value(Value::Object(tagged))
    }

    #[track_caller]
    fn undecodable<T>(&self, error: &serde_json::Error) -> ! {
        panic!(
            "event {:?} is not a {}: {error}\ndata: {}",
            self.event,
            std::any::type_name::<T>(),
            self.data
        )
    }
}
