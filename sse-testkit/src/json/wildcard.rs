//! Values that stand for others.
//!
//! `json!` makes a `Value` of whatever it is given, so a wildcard becomes one as well: an object with
//! a key that no server sends.

use regex_lite::Regex;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A value that stands for others; see the [module](crate::json).
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it stands for a value in JSON that is expected"]
pub struct Wildcard(Value);

/// What a wildcard found in JSON stands for.
#[derive(Debug, Clone)]
pub(super) enum Wild<'a> {
    Any,
    String,
    Number,
    Bool,
    Array,
    Object,
    Absent,
    Matching(&'a str),
    Containing(&'a [Value]),
}

const MARK: &str = "\0sse-testkit";

/// Any value; it only has to be there.
pub fn any() -> Wildcard {
    Wildcard::new("any", Value::Null)
}

/// Any string.
pub fn any_string() -> Wildcard {
    Wildcard::new("string", Value::Null)
}

/// Any number.
pub fn any_number() -> Wildcard {
    Wildcard::new("number", Value::Null)
}

/// `true` or `false`.
pub fn any_bool() -> Wildcard {
    Wildcard::new("bool", Value::Null)
}

/// Any array.
pub fn any_array() -> Wildcard {
    Wildcard::new("array", Value::Null)
}

/// Any object.
pub fn any_object() -> Wildcard {
    Wildcard::new("object", Value::Null)
}

/// No such key.
pub fn absent() -> Wildcard {
    Wildcard::new("absent", Value::Null)
}

/// A string in which this regular expression (in the syntax of the `regex` crate) matches.
///
/// # Panics
///
/// If the regular expression is not valid.
#[track_caller]
pub fn matching(pattern: &str) -> Wildcard {
    if let Err(error) = Regex::new(pattern) {
        panic!("{pattern:?} is no regular expression: {error}");
    }
    Wildcard::new("matching", Value::from(pattern))
}

/// An array that has at least these elements, each once, in any order. Of elements that are objects
/// only the keys that are given are compared.
///
/// # Panics
///
/// If an element can't be made JSON of.
#[track_caller]
pub fn containing<T: Serialize>(elements: impl IntoIterator<Item = T>) -> Wildcard {
    let elements = elements.into_iter().map(serde_json::to_value);
    match elements.collect::<Result<Vec<_>, _>>() {
        Ok(elements) => Wildcard::new("containing", Value::Array(elements)),
        Err(error) => panic!("the expected element: {error}"),
    }
}

impl Wildcard {
    fn new(kind: &str, argument: Value) -> Self {
        let inner = Map::from_iter([(kind.to_owned(), argument)]);
        let outer = Map::from_iter([(MARK.to_owned(), Value::Object(inner))]);
        Self(Value::Object(outer))
    }
}

impl Serialize for Wildcard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'a> Wild<'a> {
    /// The wildcard that this value is, if it is one.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let inner = value.as_object()?.get(MARK)?.as_object()?;
        let (kind, argument) = inner.iter().next()?;
        Some(match (&**kind, argument) {
            ("any", _) => Self::Any,
            ("string", _) => Self::String,
            ("number", _) => Self::Number,
            ("bool", _) => Self::Bool,
            ("array", _) => Self::Array,
            ("object", _) => Self::Object,
            ("absent", _) => Self::Absent,
            ("matching", Value::String(pattern)) => Self::Matching(pattern),
            ("containing", Value::Array(elements)) => Self::Containing(elements),
            _ => return None,
        })
    }

    /// Whether it stands for this value, but for the elements that an array has to contain.
    pub(super) fn stands_for(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::Array | Self::Containing(_) => value.is_array(),
            Self::Object => value.is_object(),
            Self::Absent => false,
            Self::Matching(pattern) => match (value, Regex::new(pattern)) {
                (Value::String(text), Ok(regex)) => regex.is_match(text),
                _ => false,
            },
        }
    }
}
