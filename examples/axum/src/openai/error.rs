use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// An error in the shape that clients of the OpenAI API read.
#[derive(Debug)]
pub(super) struct OpenAiError {
    status: StatusCode,
    param: Option<&'static str>,
    message: String,
}

impl OpenAiError {
    pub(super) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            param: Some(param),
            message: message.into(),
        }
    }
}

impl From<JsonRejection> for OpenAiError {
    fn from(rejection: JsonRejection) -> Self {
        let status = match rejection.status() {
            // Where axum says 422, that API says 400.
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        Self {
            status,
            param: None,
            message: rejection.body_text(),
        }
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: Content,
        }

        #[derive(Serialize)]
        struct Content {
            message: String,
            r#type: &'static str,
            param: Option<&'static str>,
            code: Option<&'static str>,
        }

        let error = Content {
            message: self.message,
            r#type: "invalid_request_error",
            param: self.param,
            code: None,
        };
        (self.status, Json(Body { error })).into_response()
    }
}
