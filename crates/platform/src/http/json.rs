//! JSON bodies: read with a bound and a pointer to what is wrong. Never guesses a content type.

use super::{Fault, objects::Objects};
use axum::{
    RequestExt,
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, FieldError, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::Segment;

/// Arrays and objects within each other, at most.
const DEPTH_MAX: usize = 32;

/// A JSON body in, or a JSON body out.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A merge patch in: like [`Json`], and `application/merge-patch+json` (RFC 7396) too.
#[derive(Debug, Clone)]
pub struct MergePatch<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Fault;
    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        read(request, state, &["application/json"]).await.map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for MergePatch<T> {
    type Rejection = Fault;
    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        read(
            request,
            state,
            &["application/json", "application/merge-patch+json"],
        )
        .await
        .map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        // Room for what most answers are, so that they are not moved while they grow.
        let mut bytes = Vec::with_capacity(1_024);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => {
                tracing::error!(error = %error, "an answer could not be written as JSON");
                Fault::new(Code::Internal).into_response()
            }
        }
    }
}

async fn read<S: Send + Sync, T: DeserializeOwned>(
    request: Request,
    state: &S,
    accepted: &[&str],
) -> Result<T, Fault> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !accepted.contains(&essence.as_str()) {
        let wanted = accepted.join(" or ");
        return Err(Problem::new(Code::UnsupportedMediaType)
            .detail(format!("send {wanted}"))
            .into());
    }
    let bytes = body(request, state).await?;
    Ok(parse(&bytes)?)
}

/// Reads a whole body, within the route's limit. One that says beforehand that it is larger is not waited for.
///
/// # Errors
/// 413 when it is larger, 400 when it breaks off.
pub async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Fault> {
    let said = request.body().size_hint().lower();
    let request = request.with_limited_body();
    let most = request.body().size_hint().upper();
    if most.is_some_and(|most| said > most) {
        return Err(Fault::new(Code::BodyTooLarge));
    }
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                return Fault::new(Code::BodyTooLarge);
            }
            Problem::new(Code::Malformed)
                .detail("the body broke off")
                .into()
        })
}

/// Reads JSON text: 400 for what is no JSON or of the wrong type, 422 for what breaks a rule; the first
/// fault is named by its pointer.
///
/// # Errors
/// The problem to answer with.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    check_depth(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut reader))
        .map_err(|error| to_problem(&pointer(error.path()), error.inner()))?;
    reader.end().map_err(|error| to_problem("", &error))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                format!("/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn to_problem(pointer: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    let name = |message: &str| message.split('`').nth(1).unwrap_or_default().to_owned();
    let (code, rule, field) = if error.is_syntax() || error.is_eof() {
        (Code::Malformed, "syntax", pointer.to_owned())
    } else if message.starts_with("unknown field") {
        let field = if pointer.ends_with(&format!("/{}", name(message))) {
            pointer.to_owned()
        } else {
            format!("{pointer}/{}", name(message))
        };
        (Code::Validation, "unknown_field", field)
    } else if message.starts_with("missing field") {
        (
            Code::Validation,
            "missing",
            format!("{pointer}/{}", name(message)),
        )
    } else if message.starts_with("duplicate field") {
        (
            Code::Malformed,
            "duplicate_field",
            format!("{pointer}/{}", name(message)),
        )
    } else if message.starts_with("invalid type")
        || message.starts_with("invalid length")
        || message.starts_with("malformed id")
    {
        (Code::Malformed, "wrong_type", pointer.to_owned())
    } else {
        (Code::Validation, "invalid", pointer.to_owned())
    };
    let shown = match rule {
        "unknown_field" => "is not a field of this request".to_owned(),
        "missing" => "is required".to_owned(),
        _ => in_words(message),
    };
    let place = if field.is_empty() {
        "the body".to_owned()
    } else {
        field.clone()
    };
    let mut problem = Problem::new(code).detail(format!("{place}: {shown}"));
    problem.errors.push(FieldError {
        field,
        code: rule.to_owned(),
        message: shown,
    });
    problem
}

/// What the reader expected, in the caller's words rather than in ours.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "i32" | "i64" | "u16" | "u32" | "u64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    };
    format!("{found}expected {expected}")
}

/// Counts brackets outside strings, so that a nest of a million costs a glance and not a parse.
fn check_depth(bytes: &[u8]) -> Result<(), Problem> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth = depth.saturating_add(1),
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(
                Problem::new(Code::Malformed).detail(format!("nested more than {DEPTH_MAX} deep"))
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::orders::PlaceOrder;

    fn refusal(json: &str) -> String {
        let problem = parse::<PlaceOrder>(json.as_bytes()).unwrap_err();
        let error = problem.errors.first().cloned();
        let (field, rule) = error.map_or_else(Default::default, |error| (error.field, error.code));
        format!("{} {rule} {field}", problem.code.status())
    }

    #[test]
    fn each_fault_is_named_by_its_pointer() {
        let product = r#""product_id":"prd_01h455vb4pex5vsknk084sn02q""#;
        for (json, expected) in [
            ("{", "400 syntax "),
            ("", "400 syntax "),
            ("[]", "400 wrong_type "),
            ("{\"items\":[],\"user_id\":1}", "422 unknown_field /user_id"),
            ("{\"items\":[],\"items\":[]}", "400 duplicate_field /items"),
            ("{\"items\":[{}]}", "422 missing /items/0/quantity"),
            (
                &format!("{{\"items\":[{{{product},\"quantity\":0}}]}}"),
                "422 invalid /items/0/quantity",
            ),
            (
                &format!("{{\"items\":[{{{product},\"quantity\":1.5}}]}}"),
                "400 wrong_type /items/0/quantity",
            ),
            (
                &format!("{{\"items\":[{{{product},\"quantity\":-1}}]}}"),
                "422 invalid /items/0/quantity",
            ),
            (
                &format!("{{\"items\":[{{{product},\"quantity\":9223372036854775808}}]}}"),
                "422 invalid /items/0/quantity",
            ),
            (
                "{\"items\":[{\"product_id\":{\"$ne\":1},\"quantity\":1}]}",
                "400 wrong_type /items/0/product_id",
            ),
            (
                "{\"items\":[{\"product_id\":\"ord_01h455vb4pex5vsknk084sn02q\",\"quantity\":1}]}",
                "400 wrong_type /items/0/product_id",
            ),
            ("{\"items\":[]} x", "400 syntax "),
        ] {
            assert_eq!(refusal(json), expected, "{json}");
        }
    }

    #[test]
    fn what_was_expected_is_said_in_the_caller_s_words() {
        let said = |json: &str| parse::<PlaceOrder>(json.as_bytes()).unwrap_err().detail;
        for (json, expected) in [
            (
                "1",
                "the body: invalid type: integer `1`, expected an object",
            ),
            (
                r#"{"items":1}"#,
                "/items: invalid type: integer `1`, expected a list",
            ),
            (
                r#"{"items":[{"quantity":"expected x"}]}"#,
                "/items/0/quantity: invalid type: string \"expected x\", expected a whole number",
            ),
        ] {
            assert_eq!(said(json), expected);
        }
    }

    #[test]
    fn deep_nests_are_refused_and_brackets_in_strings_are_not_nests() {
        assert!(check_depth("[".repeat(1_000_000).as_bytes()).is_err());
        assert!(check_depth(format!("[\"{}\"]", "[{".repeat(100)).as_bytes()).is_ok());
    }
}
