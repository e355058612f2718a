//! Drawing by weight.

/// Numbers from 0, each as probable as its weight says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// How probable each number and those before it are together.
    cumulative: Vec<f64>,
}

impl Weights {
    /// The nth weight is that of n; their sum must be above 0, unless there are none.
    pub(crate) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Self { cumulative: sums.into_iter().map(|upto| upto / sum).collect() }
    }

    /// The number at a point from 0 to below 1.
    pub(crate) fn at(&self, point: f64) -> usize {
        self.cumulative.partition_point(|&upto| upto <= point).min(self.cumulative.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_share_of_the_points() {
        let weights = Weights::new([1.0, 0.0, 3.0].into_iter());
        assert_eq!([0.0, 0.249, 0.25, 0.999].map(|point| weights.at(point)), [0, 0, 2, 2]);
    }
}
