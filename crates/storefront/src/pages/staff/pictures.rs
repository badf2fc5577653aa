//! A product's pictures: added and taken away. Who may is looked at before a file is read, and what is in it is the
//! catalog's to draw anew.

use super::{
    Desk, Done, Fault, Who, answered, api,
    fields::{Fields, invalid},
    multipart,
    product::{read, sheet},
};
use crate::{App, pages::frame::Visit};
use axum::{
    Form as Sent,
    body::to_bytes,
    extract::{Path, Request, State},
    http::header::CONTENT_TYPE,
    response::Response,
};
use contracts::{problem::Code, values::ProductId};

/// The largest form: what the catalog may take at most, and the fields around it. Its own bound is lower, as a rule.
const FORM_BYTES_MAX: usize = 9 * 1_024 * 1_024;

/// POST `/admin/products/{id}/pictures`.
pub(in crate::pages) async fn add(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let desk = Desk::new(&app, &visit);
    // Nobody else's file is read.
    if let Some(refusal) = desk.refusal(Who::Seller).await {
        return refusal;
    }
    let upload = uploaded(request).await.unwrap_or_default();
    let done = async { added(desk, read(&id)?, upload.file, &upload.fields).await };
    desk.act(Who::Seller, &upload.fields, done).await
}

/// What came, if it is such a form at all: without its proof nothing is done with it.
async fn uploaded(request: Request) -> Option<multipart::Upload> {
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multipart::boundary(kind)?.to_owned();
    let body = to_bytes(request.into_body(), FORM_BYTES_MAX).await.ok()?;
    multipart::read(&body, &boundary)
}

async fn added(
    desk: Desk<'_>,
    id: ProductId,
    file: Option<(String, Vec<u8>)>,
    fields: &Fields,
) -> Result<Done, Fault> {
    let path = api(
        &format!("products/{id}/images"),
        &[("alt", fields.text("alt"))],
    );
    let sent = match file {
        Some((kind, bytes)) => desk.ask().upload(&path, &kind, bytes).await,
        None => Err(invalid("file", "must be chosen")),
    };
    let to = Done::at(&format!("/admin/products/{id}"), "pictured");
    answered(sent, to, |problem| async move {
        sheet(desk, id, Some(("picture", &problem, fields))).await
    })
    .await
}

/// POST `/admin/products/{id}/pictures/{picture}/remove`.
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path((id, picture)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let id = read(&id)?;
        let path = format!("products/{id}/images/{}", crate::view::encoded(&picture));
        let path = api(&path, &[("version", fields.text("version"))]);
        match desk.ask().delete(&path).await {
            Ok(()) => {}
            // It was taken away already, by this form or another one.
            Err(fault) if fault.0.code == Code::NotFound => {}
            Err(fault) => return Err(fault),
        }
        Ok(Done::at(&format!("/admin/products/{id}"), "unpictured"))
    };
    desk.act(Who::Seller, &fields, done).await
}
