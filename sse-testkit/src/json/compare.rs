//! Comparing JSON with what is expected of it.

use serde_json::{Number, Value};

use super::difference::{self, Difference};
use super::wildcard::Wild;
use crate::assignment::Assignment;

/// Compares what the text means, not how it is laid out.
///
/// In a partial comparison objects may have more keys than are expected. `Err` is a table of what
/// differs.
pub(crate) fn compare(text: &str, wanted: &Value, partial: bool) -> Result<(), String> {
    let came: Value = match serde_json::from_str(text) {
        Ok(came) => came,
        Err(error) => return Err(format!("the data is not JSON: {error}")),
    };
    let mut differences = Vec::new();
    let comparison = Comparison { partial };
    comparison.value("", Some(&came), Some(wanted), &mut differences);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(difference::table("path", &differences)),
    }
}

/// JSON as it is, wildcards in words.
pub(crate) fn shown(value: &Value) -> String {
    match (Wild::of(value), value) {
        (Some(Wild::Any), _) => "any value".to_owned(),
        (Some(Wild::String), _) => "any string".to_owned(),
        (Some(Wild::Number), _) => "any number".to_owned(),
        (Some(Wild::Bool), _) => "true or false".to_owned(),
        (Some(Wild::Array), _) => "any array".to_owned(),
        (Some(Wild::Object), _) => "any object".to_owned(),
        (Some(Wild::Absent), _) => "nothing".to_owned(),
        (Some(Wild::Matching(pattern)), _) => format!("a string matching {pattern:?}"),
        (Some(Wild::Containing(elements)), _) => {
            format!("an array containing {}", list(elements))
        }
        (None, Value::Array(elements)) => list(elements),
        (None, Value::Object(map)) => {
            let entries = map.iter().map(|(key, value)| {
                let key = Value::from(&**key);
                format!("{key}:{}", shown(value))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        (None, _) => value.to_string(),
    }
}

#[derive(Clone, Copy)]
struct Comparison {
    partial: bool,
}

impl Comparison {
    fn value(
        self,
        path: &str,
        came: Option<&Value>,
        wanted: Option<&Value>,
        into: &mut Vec<Difference>,
    ) {
        match (came, wanted) {
            (None, None) => {}
            (None, Some(wanted)) if matches!(Wild::of(wanted), Some(Wild::Absent)) => {}
            (Some(came), Some(wanted)) => self.both(path, came, wanted, into),
            (came, wanted) => into.push(Difference::new(path, wanted, came)),
        }
    }

    fn both(self, path: &str, came: &Value, wanted: &Value, into: &mut Vec<Difference>) {
        match (Wild::of(wanted), came, wanted) {
            (Some(Wild::Containing(wanted)), Value::Array(came), _) => {
                Self { partial: true }.containing(path, came, wanted, into);
            }
            (Some(wild), _, _) if wild.stands_for(came) => {}
            (None, Value::Object(came), Value::Object(wanted)) => {
                for (key, wanted) in wanted {
                    self.value(&member(path, key), came.get(key), Some(wanted), into);
                }
                let more = came.iter().filter(|(key, _)| !wanted.contains_key(*key));
                for (key, came) in more.filter(|_| !self.partial) {
                    self.value(&member(path, key), Some(came), None, into);
                }
            }
            (None, Value::Array(came), Value::Array(wanted)) => {
                for index in 0..came.len().max(wanted.len()) {
                    let path = format!("{path}[{index}]");
                    self.value(&path, came.get(index), wanted.get(index), into);
                }
            }
            (None, Value::Number(came), Value::Number(wanted)) if is_same(came, wanted) => {}
            (None, _, _) if came == wanted => {}
            _ => into.push(Difference::new(path, Some(wanted), Some(came))),
        }
    }

    fn containing(self, path: &str, came: &[Value], wanted: &[Value], into: &mut Vec<Difference>) {
        let mut found = Assignment::new(came.len());
        for wanted in wanted {
            let fits = came.iter().map(|came| {
                let mut differences = Vec::new();
                self.both("", came, wanted, &mut differences);
                differences.is_empty()
            });
            if !found.add(fits.collect()) {
                into.push(Difference::among(path, wanted, came));
            }
        }
    }
}

/// `5` and `5.0` are the same number in JSON, and servers write the one or the other.
fn is_same(one: &Number, other: &Number) -> bool {
    let (whole, float) = match (one.as_i128(), other.as_i128()) {
        (Some(whole), None) => (whole, other.as_f64()),
        (None, Some(whole)) => (whole, one.as_f64()),
        _ => return one == other,
    };
    // What is too large for an `i128` is larger than any whole number that JSON is read as.
    float.is_some_and(|float| float.fract() == 0.0 && float as i128 == whole)
}

fn list(elements: &[Value]) -> String {
    let elements: Vec<_> = elements.iter().map(shown).collect();
    format!("[{}]", elements.join(","))
}

fn member(path: &str, key: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
    match !key.is_empty() && key.chars().all(is_plain) {
        true => format!("{path}.{key}"),
        false => format!("{path}[{key:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{
        absent, any, any_array, any_bool, any_number, any_object, any_string, containing, matching,
    };

    fn partly(came: &Value, wanted: &Value) -> Result<(), String> {
        compare(&came.to_string(), wanted, true)
    }

    #[test]
    fn wildcards_stand_for_what_they_say() {
        let values = [
            json!("a1"),
            json!(1),
            json!(true),
            json!([1]),
            json!({"a": 1}),
            json!(null),
        ];
        let cases = [
            (json!(any()), [true; 6]),
            (
                json!(any_string()),
                [true, false, false, false, false, false],
            ),
            (
                json!(matching("^a")),
                [true, false, false, false, false, false],
            ),
            (json!(matching("^b")), [false; 6]),
            (
                json!(any_number()),
                [false, true, false, false, false, false],
            ),
            (json!(any_bool()), [false, false, true, false, false, false]),
            (
                json!(any_array()),
                [false, false, false, true, false, false],
            ),
            (
                json!(containing([1])),
                [false, false, false, true, false, false],
            ),
            (
                json!(any_object()),
                [false, false, false, false, true, false],
            ),
            (json!(absent()), [false; 6]),
        ];
        for (wild, stands_for) in cases {
            for (value, stands_for) in values.iter().zip(stands_for) {
                assert_eq!(
                    partly(value, &wild).is_ok(),
                    stands_for,
                    "{wild} for {value}"
                );
                assert_eq!(partly(&json!([value]), &json!([wild])).is_ok(), stands_for);
            }
        }
    }

    #[test]
    fn a_partial_comparison_lets_objects_have_more() {
        let came = json!({"a": {"b": 1, "c": 2}, "d": [{"e": 1, "f": 2}]});
        for wanted in [
            json!({}),
            json!({"a": {}}),
            json!({"a": {"c": 2}, "d": [{"f": 2}]}),
            json!({"d": containing([json!({"e": any_number()})]), "x": absent()}),
        ] {
            assert_eq!(partly(&came, &wanted), Ok(()));
            assert!(
                compare(&came.to_string(), &wanted, false).is_err(),
                "{wanted}"
            );
        }
        assert!(
            partly(&came, &json!({"d": [{}, {}]})).is_err(),
            "arrays may not"
        );
        assert!(partly(&came, &json!({"a": absent()})).is_err());
    }

    #[test]
    fn each_element_that_is_contained_is_another_one() {
        let came = json!([1, "a", {"k": 1}]);
        assert_eq!(
            partly(&came, &json!(containing([json!("a"), json!(1)]))),
            Ok(())
        );
        assert_eq!(
            partly(&came, &json!(containing([json!(any()), json!(1)]))),
            Ok(())
        );
        assert!(partly(&came, &json!(containing([1, 1]))).is_err());
        assert!(partly(&came, &json!(containing([any_number(), any_number()]))).is_err());
    }

    #[test]
    fn what_differs_is_a_table() {
        let came = json!({
            "id": 7, "name": "x".repeat(100) + "y", "tags": ["a"], "more": [1, 2],
            "a b": null, "list": [{"n": 1}, {"n": 2}], "late": true,
        });
        let wanted = json!({
            "id": any_string(), "name": "x".repeat(100), "tags": containing(["b"]), "more": [1],
            "a b": {"c": matching("^d")}, "list": [{"n": 1}, {"n": 3}], "late": absent(), "new": 1,
        });
        insta::assert_snapshot!(partly(&came, &wanted).unwrap_err(), @r#"
        the data differs:
        path        expected                      got
        ["a b"]     {"c":a string matching "^d"}  null
        .id         any string                    7
        .late       nothing                       true
        .list[1].n  3                             2
        .more[1]    nothing                       2
        .name       ...xxxxxxxxxxxxxxxx"          ...xxxxxxxxxxxxxxxxy"
        .new        1                             nothing
        .tags[*]    "b"                           none in ["a"]
        "#);
        insta::assert_snapshot!(compare("[1]", &json!({"n": 1}), false).unwrap_err(), @r#"
        the data differs:
        path  expected  got
        .     {"n":1}   [1]
        "#);
        insta::assert_snapshot!(compare("{", &json!(1), false).unwrap_err(), @"the data is not JSON: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(shown(&wanted), @r#"{"a b":{"c":a string matching "^d"},"id":any string,"late":nothing,"list":[{"n":1},{"n":3}],"more":[1],"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","new":1,"tags":an array containing ["b"]}"#);
    }

    #[test]
    fn long_values_that_begin_differently_are_shown_from_the_beginning() {
        let table = partly(&json!("x".repeat(100)), &json!("y".repeat(100))).unwrap_err();
        assert!(table.contains("\"yyy"), "{table}");
        assert!(table.contains("\"xxx"), "{table}");
        assert!(!table.contains(" ..."), "{table}");
    }

    #[test]
    fn a_table_has_an_end() {
        let came: Vec<_> = (0..30).collect();
        let wanted: Vec<_> = (1..31).collect();
        let table = partly(&json!(came), &json!(wanted)).unwrap_err();
        assert_eq!(table.lines().count(), 23, "{table}");
        assert!(table.ends_with("and 10 more"), "{table}");
    }
}
