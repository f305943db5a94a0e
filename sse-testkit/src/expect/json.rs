//! Comparing JSON, and saying where it differs.

use serde_json::Value;

/// Compares what the text means, not how it is laid out.
pub(super) fn compare(text: &str, wanted: &Value) -> Result<(), String> {
    let came: Value = match serde_json::from_str(text) {
        Ok(came) => came,
        Err(error) => return Err(format!("the data is not JSON: {error}")),
    };
    let mut differences = Vec::new();
    diff("", &came, wanted, &mut differences);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n")),
    }
}

fn diff(path: &str, came: &Value, wanted: &Value, into: &mut Vec<String>) {
    match (came, wanted) {
        (Value::Object(came), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                let path = format!("{path}.{key}");
                match came.get(key) {
                    Some(came) => diff(&path, came, wanted, into),
                    None => into.push(format!("{path} is missing, not {wanted}")),
                }
            }
            for (key, came) in came.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                into.push(format!("{path}.{key} is {came}, but should not be there"));
            }
        }
        (Value::Array(came), Value::Array(wanted)) if came.len() == wanted.len() => {
            for (index, (came, wanted)) in came.iter().zip(wanted).enumerate() {
                diff(&format!("{path}[{index}]"), came, wanted, into);
            }
        }
        _ if came == wanted => {}
        _ => {
            let path = if path.is_empty() { "the data" } else { path };
            into.push(format!("{path} is {came}, not {wanted}"));
        }
    }
}
