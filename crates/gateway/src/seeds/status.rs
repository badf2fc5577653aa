//! `PUT {status}`, as the seeds' clients move orders on: the status they name is reached by its verb or not at
//! all. Which moves are legal, and for whom, is the orders' own business.

use super::{
    call::Caller,
    fields::{Draft, Fields},
    orders::{ORDERS, translated},
};
use axum::response::Response;
use contracts::{
    orders::{OrderStatus, OrderView},
    problem::{Code, Problem},
};
use platform::http::Fault;
use serde_json::{Value, json};

/// PUT `/orders/{id}/status`, PUT `/orders/{id}`.
pub(super) async fn change(
    caller: &Caller<'_>,
    id: &str,
    fields: &Fields,
) -> Result<Response, Fault> {
    let text = fields.text(&["status"])?;
    let text = text.ok_or_else(|| Problem::invalid("/status", "is required"))?;
    let to = read(&text)?;
    let path = format!("{ORDERS}/{id}");
    let Some(verb) = verb(to) else {
        return stay(caller, &path, to).await;
    };
    let mut draft = Draft::default();
    if to == OrderStatus::Shipped {
        draft.keep("tracking", fields.raw(&["tracking"]));
    }
    match caller.post(&format!("{path}/{verb}"), &draft).await {
        Ok(answer) => translated(answer),
        Err(problem) if is_there_already(&problem, to) => stay(caller, &path, to).await,
        Err(problem) => Err(problem.into()),
    }
}

/// The status a text names, in any case and by any of the seeds' words.
fn read(text: &str) -> Result<OrderStatus, Problem> {
    let word = text.trim().to_lowercase();
    match word.as_str() {
        "processing" => Ok(OrderStatus::Paid),
        "completed" => Ok(OrderStatus::Delivered),
        "canceled" => Ok(OrderStatus::Cancelled),
        word => word.parse().map_err(|_| {
            let words = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
            Problem::invalid("/status", format!("must be one of {words}"))
        }),
    }
}

/// What makes an order so. It is paid by a payment, and nothing makes it pending again.
const fn verb(to: OrderStatus) -> Option<&'static str> {
    match to {
        OrderStatus::Shipped => Some("ship"),
        OrderStatus::Delivered => Some("deliver"),
        OrderStatus::Cancelled => Some("cancel"),
        OrderStatus::Pending | OrderStatus::Paid | OrderStatus::Refunded => None,
    }
}

/// Where these verbs lead from here.
fn reachable(from: OrderStatus) -> Vec<&'static str> {
    let to: &[OrderStatus] = match from {
        OrderStatus::Pending => &[OrderStatus::Cancelled],
        OrderStatus::Paid => &[OrderStatus::Shipped, OrderStatus::Cancelled],
        OrderStatus::Shipped => &[OrderStatus::Delivered],
        OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Refunded => &[],
    };
    to.iter().map(|status| status.as_str()).collect()
}

fn is_there_already(problem: &Problem, to: OrderStatus) -> bool {
    problem.code == Code::IllegalTransition
        && problem.facts.get("from").and_then(Value::as_str) == Some(to.as_str())
}

/// The order, if it stands there already; a refusal else, for no verb leads there.
async fn stay(caller: &Caller<'_>, path: &str, to: OrderStatus) -> Result<Response, Fault> {
    let answer = caller.fetch(path).await?;
    let from = answer.read::<OrderView>()?.status;
    if from == to {
        return translated(answer);
    }
    let detail = format!("a {} order cannot be made {}", from.as_str(), to.as_str());
    Err(Problem::new(Code::IllegalTransition)
        .detail(detail)
        .fact("from", from.as_str())
        .fact("to", to.as_str())
        .fact("allowed", json!(reachable(from)))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_in_any_case_and_word() {
        for (text, expected) in [
            ("pending", OrderStatus::Pending),
            ("Processing", OrderStatus::Paid),
            ("PAID", OrderStatus::Paid),
            (" Shipped ", OrderStatus::Shipped),
            ("delivered", OrderStatus::Delivered),
            ("Completed", OrderStatus::Delivered),
            ("cancelled", OrderStatus::Cancelled),
            ("Canceled", OrderStatus::Cancelled),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in ["", "sent", "shipped; drop table orders"] {
            assert_eq!(read(text).unwrap_err().code, Code::Validation, "{text}");
        }
    }
}
