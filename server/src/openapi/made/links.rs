//! Which operation leads to which: what an answer holds that another operation asks for. For programs that walk the
//! shop by its document.

use super::Operation;
use serde_json::{Map, Value, json};

/// Where a value is found in the answer, what it is called in the next operation, and which operations take it.
struct Leads {
    from: &'static str,
    status: &'static str,
    value: &'static str,
    parameter: &'static str,
    to: &'static [&'static str],
}

const LEADS: &[Leads] = &[
    Leads {
        from: "place_order",
        status: "201",
        value: "$response.body#/id",
        parameter: "id",
        to: &[
            "find_order",
            "order_timeline",
            "cancel_order",
            "ship_order",
            "deliver_order",
            "refund_order",
        ],
    },
    Leads {
        from: "list_orders",
        status: "200",
        value: "$response.body#/data/0/id",
        parameter: "id",
        to: &["find_order", "order_timeline", "cancel_order"],
    },
    Leads {
        from: "pay_order",
        status: "201",
        value: "$response.body#/id",
        parameter: "id",
        to: &[
            "get_payment",
            "list_refunds",
            "refund_payment",
            "void_payment",
        ],
    },
    Leads {
        from: "create_product",
        status: "201",
        value: "$response.body#/id",
        parameter: "product",
        to: &[
            "get_product",
            "patch_product",
            "replace_product",
            "delete_product",
        ],
    },
    Leads {
        from: "list_products",
        status: "200",
        value: "$response.body#/data/0/id",
        parameter: "product",
        to: &["get_product", "patch_product", "replace_product"],
    },
    Leads {
        from: "list_inventory",
        status: "200",
        value: "$response.body#/data/0/variant_id",
        parameter: "variant_id",
        to: &["get_inventory", "list_movements"],
    },
    Leads {
        from: "list_dead_events",
        status: "200",
        value: "$response.body#/data/0/id",
        parameter: "id",
        to: &["redrive_event"],
    },
    Leads {
        from: "list_sagas",
        status: "200",
        value: "$response.body#/data/0/id",
        parameter: "id",
        to: &["retry_saga"],
    },
    Leads {
        from: "get_me",
        status: "200",
        value: "$response.body#/id",
        parameter: "id",
        to: &["get_user"],
    },
];

/// Writes down where an operation's answers lead.
pub(super) fn add(operation: &mut Operation) {
    let id = operation.get("operationId").and_then(Value::as_str);
    let leads: Vec<&Leads> = LEADS
        .iter()
        .filter(|leads| Some(leads.from) == id)
        .collect();
    for leads in leads {
        let pointer = format!("/responses/{}", leads.status);
        let Some(response) = operation
            .get_mut("responses")
            .and_then(|responses| responses.get_mut(leads.status))
            .and_then(Value::as_object_mut)
        else {
            tracing::error!(
                pointer,
                "the document links from an answer that it does not have"
            );
            continue;
        };
        let links: Map<String, Value> = leads
            .to
            .iter()
            .map(|to| {
                let parameters = json!({leads.parameter: leads.value});
                let link = json!({"operationId": to, "parameters": parameters});
                ((*to).to_owned(), link)
            })
            .collect();
        response.insert("links".to_owned(), Value::Object(links));
    }
}
