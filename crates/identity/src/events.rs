//! What identity tells the others (`identity.user_deleted.v1`, through its outbox) and what it hears: nothing.

use crate::service::Service;
use platform::{bus::Bus, outbox, tasks::Tasks};
use std::sync::Arc;

/// Starts the relay of the outbox, the upkeep of sessions, and the sending of mails, until the tasks stop.
pub fn start(service: &Arc<Service>, tasks: &Tasks, bus: Arc<dyn Bus>) {
    let (database, clock) = (service.outbox(), service.clock());
    outbox::start_relay(tasks, "identity-outbox", database, bus, clock);
    service.start_upkeep(tasks);
}
