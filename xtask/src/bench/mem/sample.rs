//! What was measured, and what it says together.

use anyhow::{Context, Result};

/// A cost of a function, beside what glibc's costs at the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The function.
    pub function: String,
    /// Where its bytes were, and how it was called.
    pub pattern: String,
    /// How many bytes.
    pub size: u64,
    /// Ours.
    pub ours: f64,
    /// glibc's.
    pub theirs: f64,
}

impl Sample {
    /// What a line says: function, pattern, mode, size, ours and glibc's, with tabs
    /// between, and perhaps more. Lines without tabs are for people, and none.
    pub fn parse(line: &str) -> Result<Option<Sample>> {
        if !line.contains('\t') {
            return Ok(None);
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let sample = || {
            let [function, pattern, mode, size, ours, theirs] = *fields.first_chunk()?;
            Some(Sample {
                function: function.to_string(),
                pattern: format!("{pattern}, {mode}"),
                size: size.parse().ok()?,
                ours: ours.parse().ok()?,
                theirs: theirs.parse().ok()?,
            })
        };
        sample()
            .with_context(|| format!("this is no figure: {line:?}"))
            .map(Some)
    }

    fn is_of_the_same(&self, other: &Sample) -> bool {
        (&self.function, &self.pattern, self.size) == (&other.function, &other.pattern, other.size)
    }
}

/// Takes in the samples of one more run: of each side, the least counts.
pub fn add_run(samples: &mut Vec<Sample>, run: Vec<Sample>) {
    for new in run {
        match samples
            .iter_mut()
            .find(|sample| sample.is_of_the_same(&new))
        {
            Some(sample) => {
                sample.ours = sample.ours.min(new.ours);
                sample.theirs = sample.theirs.min(new.theirs);
            }
            None => samples.push(new),
        }
    }
}

/// The geometric mean of the samples' ratios, ours to glibc's, if there are any.
pub fn ratio<'a>(samples: impl Iterator<Item = &'a Sample>) -> Option<f64> {
    let (count, sum) = samples.fold((0, 0.0), |(count, sum), sample| {
        (count + 1, sum + (sample.ours / sample.theirs).ln())
    });
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// The functions, in the order of their first samples.
pub fn functions(samples: &[Sample]) -> Vec<&str> {
    let mut functions = Vec::new();
    for sample in samples {
        if !functions.contains(&sample.function.as_str()) {
            functions.push(&sample.function);
        }
    }
    functions
}

/// The sizes, from the least on.
pub fn sizes(samples: &[Sample]) -> Vec<u64> {
    let mut sizes: Vec<u64> = samples.iter().map(|sample| sample.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(function: &str, size: u64, ours: f64, theirs: f64) -> Sample {
        Sample {
            function: function.to_string(),
            pattern: "p, m".to_string(),
            size,
            ours,
            theirs,
        }
    }

    #[test]
    fn lines_are_read() {
        let line = "memcpy\tp\tm\t16\t1.5\t3.00";
        let expected = Some(sample("memcpy", 16, 1.5, 3.0));
        assert_eq!(Sample::parse(line).unwrap(), expected);
        assert_eq!(Sample::parse(&format!("{line}\t0.50")).unwrap(), expected);
        for line in ["", "| memcpy | 1.0 |"] {
            assert_eq!(Sample::parse(line).unwrap(), None);
        }
        for line in [
            "memcpy\tp\tm\t16\t1.5",
            "memcpy\tp\tm\t-1\t1.5\t3",
            "a\tb\tc\t1\tx\t2",
        ] {
            assert!(Sample::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn of_several_runs_the_least_of_each_side_counts() {
        let mut samples = Vec::new();
        add_run(
            &mut samples,
            vec![sample("f", 1, 5.0, 2.0), sample("f", 2, 1.0, 1.0)],
        );
        add_run(
            &mut samples,
            vec![sample("f", 1, 4.0, 3.0), sample("g", 1, 7.0, 7.0)],
        );
        let expected = [
            sample("f", 1, 4.0, 2.0),
            sample("f", 2, 1.0, 1.0),
            sample("g", 1, 7.0, 7.0),
        ];
        assert_eq!(samples, expected);
    }

    #[test]
    fn ratios_are_averaged_as_factors() {
        let of = |samples: &[Sample]| ratio(samples.iter());
        assert_eq!(of(&[]), None);
        let mean = of(&[sample("f", 1, 2.0, 1.0), sample("f", 2, 1.0, 8.0)]).unwrap();
        assert!((mean - 0.5).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn functions_keep_their_order_and_sizes_are_put_in_one() {
        let samples = [
            sample("memset", 4, 1.0, 1.0),
            sample("bcmp", 2, 1.0, 1.0),
            sample("memset", 2, 1.0, 1.0),
        ];
        assert_eq!(functions(&samples), ["memset", "bcmp"]);
        assert_eq!(sizes(&samples), [2, 4]);
    }
}
