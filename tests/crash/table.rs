//! What became of the operation at each point, as a table. Judges nothing.

/// A row: where the shop died, what the client had heard, and who did the rest.
pub(crate) struct Row {
    pub(crate) point: String,
    pub(crate) heard: &'static str,
    pub(crate) outcome: &'static str,
}

/// Prints the rows of an operation, those that are alike as one. Everything else that a row stands for was asserted
/// before it was made.
pub(crate) fn print(what: &str, rows: &[Row]) {
    println!(
        "{what}: {} points, done once at each, books balance",
        rows.len()
    );
    let alike = |one: &Row, other: &Row| {
        (family(&one.point), one.heard, one.outcome)
            == (family(&other.point), other.heard, other.outcome)
    };
    for group in rows.chunk_by(alike) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let points = match last.point.split_once(':') {
            Some((_, hit)) if group.len() > 1 => format!("{}-{hit}", first.point),
            _ => first.point.clone(),
        };
        println!("  {points:<28} {:<13} {}", first.heard, first.outcome);
    }
}

/// Hits of one point are of a family; named points stand alone.
fn family(point: &str) -> &str {
    point.split(':').next().unwrap_or_default()
}

/// Names the row that a test was at when it fell over.
pub(crate) struct Under(pub(crate) String);

impl Drop for Under {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("this fell over: {}", self.0);
        }
    }
}
