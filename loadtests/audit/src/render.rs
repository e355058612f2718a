//! A report for people.

use std::fmt;

use crate::{Check, Counts, Outcome, Report, Subject};

/// As wide as the longest name of a check.
const NAME: usize = 35;

impl fmt::Display for Report {
    /// What was examined, a row for each check, and then what is wrong, by name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)?;
        let looks = if self.looks == 1 { "look" } else { "looks" };
        writeln!(f, "{} {looks} in {:.1} s\n", self.looks, self.seconds)?;
        self.checks.iter().try_for_each(|outcome| outcome.write_row(f))?;
        self.checks
            .iter()
            .filter(|outcome| outcome.violations > 0)
            .try_for_each(|outcome| outcome.write_violations(f))?;
        match self.violations() {
            0 => writeln!(f, "\nevery order is right"),
            1 => writeln!(f, "\n1 violation"),
            many => writeln!(f, "\n{} violations", grouped(many)),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, reservations, skus, oversold, adjustments, idempotency_keys, acknowledged, unanswered } =
            self;
        let mut row = |name: &str, count: u64, more: &str| {
            writeln!(f, "{}", format!("{name:<16}{:>11}  {more}", grouped(count)).trim_end())
        };
        let by_status = [
            (orders.confirmed, "confirmed"),
            (orders.rejected, "rejected"),
            (orders.cancelled, "cancelled"),
            (orders.pending, "pending"),
        ];
        row("orders", orders.total(), &parts(&by_status))?;
        let by_status = [
            (reservations.confirmed, "confirmed"),
            (reservations.held, "held"),
            (reservations.rejected, "rejected"),
            (reservations.released, "released"),
        ];
        let direct = match reservations.direct {
            0 => String::new(),
            count => format!("; {} of them direct", grouped(count)),
        };
        row("reservations", reservations.total(), &format!("{}{direct}", parts(&by_status)))?;
        let oversold = match oversold {
            0 => String::new(),
            pieces => format!(", oversold by {}", grouped(*pieces)),
        };
        row("SKUs", *skus, &format!("with {} adjustments{oversold}", grouped(*adjustments)))?;
        row("keys", *idempotency_keys, "")?;
        let unanswered = match unanswered {
            0 => String::new(),
            count => format!("and {} without an answer, which may exist", grouped(*count)),
        };
        row("acknowledged", *acknowledged, &unanswered)
    }
}

impl Outcome {
    fn write_row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict =
            if self.violations == 0 { "ok".to_owned() } else { format!("{} wrong", grouped(self.violations)) };
        writeln!(f, "{:<NAME$}  {verdict:<15}  {:>11} examined", self.name.name(), grouped(self.examined))
    }

    fn write_violations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}: {}", self.name.name(), self.description)?;
        self.first.iter().try_for_each(|violation| writeln!(f, "  {}: {}", violation.subject, violation.what))?;
        match self.violations - self.first.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  and {} more", grouped(more)),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order {id}"),
            Self::Sku(sku) => write!(f, "SKU {sku}"),
            Self::Topic(topic) => write!(f, "topic {topic}"),
            Self::Key(key) => write!(f, "key {key:?}"),
            Self::Frame { database, id } => write!(f, "row {id} of the {database} outbox"),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Those that are not zero.
fn parts(parts: &[(u64, &str)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{} {name}", grouped(*count)))
        .collect();
    parts.join(", ")
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrderCounts, ReservationCounts, Violation, findings::Findings};

    fn report() -> Report {
        Report {
            counts: Counts {
                orders: OrderCounts { confirmed: 1_200, rejected: 34, ..OrderCounts::default() },
                reservations: ReservationCounts { confirmed: 1_200, rejected: 34, ..ReservationCounts::default() },
                skus: 3,
                oversold: 0,
                adjustments: 5,
                idempotency_keys: 1_234,
                acknowledged: 1_230,
                unanswered: 4,
            },
            checks: Findings::default().into_outcomes(),
            looks: 1,
            seconds: 0.25,
        }
    }

    #[test]
    fn a_name_fits_its_column() {
        assert_eq!(Check::ALL.map(|check| check.name().len()).into_iter().max(), Some(NAME));
    }

    #[test]
    fn a_report_says_what_was_examined_and_that_all_is_right() {
        let text = report().to_string();
        let head = "\
orders                1,234  1,200 confirmed, 34 rejected
reservations          1,234  1,200 confirmed, 34 rejected
SKUs                      3  with 5 adjustments
keys                  1,234
acknowledged          1,230  and 4 without an answer, which may exist
1 look in 0.2 s

stock_adds_up                        ok                         0 examined
";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with("\n\nevery order is right\n"), "{text}");
    }

    #[test]
    fn violations_are_named() {
        let mut report = report();
        report.looks = 2;
        report.checks.retain(|outcome| outcome.name == Check::StockAddsUp);
        let violation = |sku: &str| Violation { subject: Subject::Sku(sku.into()), what: "expected 1, found 2".into() };
        report.checks[0] = Outcome {
            examined: 3,
            violations: 3,
            first: vec![violation("A"), violation("B")],
            ..report.checks[0].clone()
        };
        let tail = "\
2 looks in 0.2 s

stock_adds_up                        3 wrong                    3 examined

stock_adds_up: available = adjustments - live reservations, for every SKU
  SKU A: expected 1, found 2
  SKU B: expected 1, found 2
  and 1 more

3 violations
";
        assert!(report.to_string().ends_with(tail), "{report}");
    }

    #[test]
    fn json_names_checks_and_subjects() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["checks"][0]["name"], "stock_adds_up");
        assert_eq!(json["counts"]["orders"]["confirmed"], 1_200);
        let frame = Subject::Frame { database: crate::Database::Order, id: 7 };
        assert_eq!(serde_json::to_string(&frame).unwrap(), r#"{"frame":{"database":"order","id":7}}"#);
    }
}
