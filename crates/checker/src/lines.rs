//! A history as lines of JSON, written while it happens: whoever reads it later knows all that its clients knew, also
//! if they died in the middle. A line that is not whole is nobody's business here.

use crate::history::{History, Operation, Outcome, Told};
use contracts::values::{Money, Timestamp, VariantId};
use serde::{Deserialize, Serialize};

/// A line of a history.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// How long a client waits for an answer at most, in milliseconds.
    Patience(i64),
    /// What was on the shelf before the first operation.
    Shelf {
        /// Of what.
        variant: VariantId,
        /// Units on hand.
        units: i64,
        /// Its price.
        price: Money,
    },
    /// A request that is sent. They are numbered from 0 in this order.
    Began(Box<Operation>),
    /// How it ended.
    Ended {
        /// Its number.
        number: usize,
        /// When.
        at: Timestamp,
        /// What came of it.
        outcome: Outcome,
    },
    /// From this moment on there are no faults, in milliseconds.
    Quiet(i64),
    /// Something that is no request.
    Note {
        /// When, in milliseconds.
        at_ms: i64,
        /// What.
        what: String,
    },
}

impl FromIterator<Line> for History {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        let mut history = Self {
            quiet_from_ms: i64::MAX,
            ..Self::default()
        };
        for line in lines {
            history.note(line);
        }
        history
    }
}

impl History {
    fn note(&mut self, line: Line) {
        match line {
            Line::Patience(ms) => self.patience_ms = ms,
            Line::Shelf {
                variant,
                units,
                price,
            } => {
                self.first_stock.insert(variant, units);
                self.first_prices.insert(variant, price);
            }
            Line::Began(operation) => self.operations.push(*operation),
            Line::Ended {
                number,
                at,
                mut outcome,
            } => {
                let Some(operation) = self.operations.get_mut(number) else {
                    return;
                };
                if let Outcome::Ok(answer) = &mut outcome {
                    answer.told = Told::read(&operation.action, answer.body.as_bytes());
                }
                operation.end = Some(at);
                operation.outcome = outcome;
            }
            Line::Quiet(from_ms) => self.quiet_from_ms = from_ms,
            Line::Note { .. } => {}
        }
    }
}

/// A problem's code, by its text.
pub(crate) mod code {
    use contracts::problem::Code;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        code: &Option<Code>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        code.map(Code::slug).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Code>, D::Error> {
        let slug = Option::<String>::deserialize(deserializer)?;
        Ok(slug.and_then(|slug| Code::from_slug(&slug)))
    }
}
