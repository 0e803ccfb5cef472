//! What start-up was set out to reach.

use super::{Link, Peer, Row};
use crate::bench::goals::Goal;

/// How many times the assembly's time ours may take.
fn time_limit(link: Link) -> f64 {
    match link {
        Link::Static => 1.02,
        Link::StaticPie => 1.06,
    }
}

/// Judges a table's rows.
pub fn judge(rows: &[Row]) -> Vec<Goal> {
    rows.iter()
        .filter(|row| row.subject.peer == Peer::Freestand)
        .flat_map(|ours| time(ours).into_iter().chain(size(ours, rows)))
        .collect()
}

fn time(ours: &Row) -> Option<Goal> {
    let limit = time_limit(ours.subject.link);
    ours.ratio.map(|ratio| {
        let what = format!(
            "{} takes {ratio:.3} of the assembly's time, to be at most {limit:.2}",
            ours.subject
        );
        Goal::new(what, ratio <= limit)
    })
}

/// Ours is smaller than any other that is linked in the same way.
fn size(ours: &Row, rows: &[Row]) -> Option<Goal> {
    let next = rows
        .iter()
        .filter(|row| row.subject.link == ours.subject.link)
        .filter(|row| !matches!(row.subject.peer, Peer::Freestand | Peer::Assembly))
        .min_by_key(|row| row.bytes)?;
    let what = format!(
        "{} has {} bytes, to be fewer than the {} of {}",
        ours.subject, ours.bytes, next.bytes, next.subject
    );
    Some(Goal::new(what, ours.bytes < next.bytes))
}

#[cfg(test)]
mod tests {
    use super::super::{Instructions, Subject};
    use super::*;

    fn row(peer: Peer, link: Link, bytes: u64, ratio: Option<f64>) -> Row {
        Row {
            subject: Subject { peer, link },
            bytes,
            loads: 1,
            write_execute: false,
            instructions: Instructions::Exactly(1),
            system_calls: 1,
            timing: None,
            ratio,
        }
    }

    fn verdicts(rows: &[Row]) -> Vec<bool> {
        judge(rows).iter().map(|goal| goal.reached).collect()
    }

    #[test]
    fn goals_are_reached_or_missed() {
        use Peer::*;
        let rows = |bytes, ratio| {
            [
                row(Assembly, Link::Static, 100, Some(1.0)),
                row(Freestand, Link::Static, bytes, Some(ratio)),
                row(Musl, Link::Static, 500, Some(1.05)),
                row(Musl, Link::StaticPie, 300, Some(1.05)),
            ]
        };
        assert_eq!(verdicts(&rows(499, 1.02)), [true, true]);
        assert_eq!(verdicts(&rows(500, 1.021)), [false, false]);
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let ours = row(Peer::Freestand, Link::StaticPie, 100, None);
        assert_eq!(judge(&[ours]), []);
    }
}
