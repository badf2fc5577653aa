//! What the process counts, read out of the text that whoever scrapes it reads: whole numbers are enough here.

/// The text.
pub(super) struct Measured(String);

impl Measured {
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The values under a name, each with its labels as they are written.
    pub(super) fn all<'m>(&'m self, name: &'m str) -> impl Iterator<Item = (&'m str, i64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.split_once("} ")?,
                None => ("", rest.strip_prefix(' ')?),
            };
            let whole = value.split(['.', ' ']).next()?;
            Some((labels, whole.parse().ok()?))
        })
    }

    /// The one value under a name.
    pub(super) fn one(&self, name: &str) -> Option<i64> {
        self.all(name).map(|(_, value)| value).next()
    }

    /// How many there were in each bucket of a histogram, by the bucket's upper bound; all labels together. The buckets
    /// behind the last one that has any are left out.
    pub(super) fn sizes(&self, name: &str) -> Vec<(String, i64)> {
        self.sizes_if(name, |_| true)
    }

    /// The same, of those alone that have this label with this value.
    pub(super) fn sizes_where(&self, name: &str, (key, value): (&str, &str)) -> Vec<(String, i64)> {
        self.sizes_if(name, |labels| label(labels, key) == Some(value))
    }

    fn sizes_if(&self, name: &str, counts: impl Fn(&str) -> bool) -> Vec<(String, i64)> {
        let buckets = format!("{name}_bucket");
        let mut below: Vec<(String, i64)> = Vec::new();
        for (labels, count) in self.all(&buckets).filter(|(labels, _)| counts(labels)) {
            let Some(bound) = label(labels, "le") else {
                continue;
            };
            match below.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum = sum.saturating_add(count),
                None => below.push((bound.to_owned(), count)),
            }
        }
        let mut before = 0_i64;
        let mut sizes = Vec::with_capacity(below.len());
        for (bound, count) in below {
            sizes.push((said(&bound), count.saturating_sub(before)));
            before = count;
        }
        let used = sizes.iter().rposition(|(_, count)| *count > 0);
        sizes.truncate(used.map_or(0, |last| last.saturating_add(1)));
        sizes
    }
}

fn said(bound: &str) -> String {
    match bound {
        "+Inf" => "more".to_owned(),
        bound => bound.strip_suffix(".0").unwrap_or(bound).to_owned(),
    }
}

/// A label's value.
pub(super) fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    labels.split(',').find_map(|label| {
        let value = label.strip_prefix(name)?.strip_prefix("=\"")?;
        value.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_counted_apart_and_labels_together() {
        let measured = Measured::new(
            "# TYPE batch histogram\nbatch_sum 12.0\nbatch_count 5\nbatch_bucket{le=\"1.0\"} 2\n\
             batch_bucket{le=\"2.0\"} 4\nbatch_bucket{le=\"4.0\"} 5\nbatch_bucket{le=\"+Inf\"} 5\n\
             lag{outbox=\"orders\"} 7\nlag{outbox=\"catalog\"} 0\n"
                .to_owned(),
        );
        let sizes = measured.sizes("batch");
        let sizes: Vec<_> = sizes
            .iter()
            .map(|(bound, count)| (bound.as_str(), *count))
            .collect();
        assert_eq!(sizes, [("1", 2), ("2", 2), ("4", 1)]);
        assert_eq!(measured.one("batch_count"), Some(5));
        let lag: Vec<_> = measured
            .all("lag")
            .map(|(labels, lag)| (label(labels, "outbox"), lag))
            .collect();
        assert_eq!(lag, [(Some("orders"), 7), (Some("catalog"), 0)]);
        assert!(measured.sizes("nothing").is_empty());
    }

    #[test]
    fn only_what_is_labelled_so_is_counted_where_that_is_asked() {
        let measured = Measured::new(
            "answer_bucket{le=\"0.1\",door=\"public\",route=\"/\"} 2\n\
             answer_bucket{le=\"0.1\",door=\"public\",route=\"/cart\"} 1\n\
             answer_bucket{le=\"0.1\",door=\"inside\",route=\"/\"} 7\n"
                .to_owned(),
        );
        let sizes = measured.sizes_where("answer", ("door", "public"));
        assert_eq!(sizes, [("0.1".to_owned(), 3)]);
    }
}
