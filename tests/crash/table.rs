//! What became of the operation at each point, as a table. Judges nothing.

/// A row: where the shop died, what the client had heard, and who did the rest.
pub(crate) struct Row {
    pub(crate) point: String,
    pub(crate) heard: &'static str,
    pub(crate) outcome: &'static str,
}

/// Prints the rows of an operation. Everything else that a row stands for was asserted before it was made.
pub(crate) fn print(operation: &str, rows: &[Row]) {
    println!(
        "{operation}: {} points, killed at each, once only, books balance",
        rows.len()
    );
    for Row {
        point,
        heard,
        outcome,
    } in rows
    {
        println!("  {point:<30} {heard:<12} {outcome}");
    }
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
