//! Units of one person are alike: what the interval of a share needs to know of that.

use super::shape::Shape;
use crate::funnel::engine::Outcome;

/// The numbers that shares are made of, each 0 or 1 of one unit. First come the steps reached; in
/// an open funnel then whether it entered, and for each step whether it was at the step before or
/// entered there; in any order then the steps that it served.
#[derive(Debug, Clone, Copy)]
pub struct Items {
    pub shape: Shape,
    pub step_count: usize,
}

impl Items {
    fn count(self) -> usize {
        match self.shape {
            Shape::Ordered => self.step_count,
            Shape::Open => 2 * self.step_count + 1,
            Shape::AnyOrder { .. } => 2 * self.step_count,
        }
    }

    pub fn reached(self, step: usize) -> usize {
        step
    }

    pub fn entered(self) -> usize {
        if self.shape == Shape::Open { self.step_count } else { 0 }
    }

    /// Was at the step before, or entered at this one. Not for step 0 but in open funnels.
    pub fn before(self, step: usize) -> usize {
        if self.shape == Shape::Open { self.step_count + 1 + step } else { step - 1 }
    }

    /// Served the step, in any order.
    pub fn served(self, step: usize) -> usize {
        self.step_count + step
    }

    /// Calls for each number that is 1.
    fn each(self, outcome: &Outcome, mut call: impl FnMut(usize)) {
        (outcome.entered_at..outcome.level).for_each(|step| call(self.reached(step)));
        match self.shape {
            Shape::Ordered => {}
            Shape::Open => {
                call(self.entered());
                let last = outcome.level.min(self.step_count - 1);
                (outcome.entered_at..=last).for_each(|step| call(self.before(step)));
            }
            Shape::AnyOrder { .. } => {
                outcome.served.iter().for_each(|&step| call(self.served(step.into())));
            }
        }
    }
}

/// The clusters of all units, and of the mature ones.
#[derive(Debug, Clone)]
pub struct Clusters {
    pub items: Items,
    pub all: ClusterSums,
    pub mature: ClusterSums,
}

/// How many units of one person have each of the numbers.
#[derive(Debug, Clone)]
pub struct PersonReached {
    items: Items,
    all: Vec<u64>,
    mature: Vec<u64>,
}

impl PersonReached {
    pub fn new(items: Items) -> PersonReached {
        PersonReached { items, all: vec![0; items.count()], mature: vec![0; items.count()] }
    }

    pub fn add(&mut self, outcome: &Outcome, is_mature: bool) {
        let PersonReached { items, all, mature } = self;
        items.each(outcome, |item| {
            all[item] += 1;
            mature[item] += u64::from(is_mature);
        });
    }
}

impl Clusters {
    pub fn new(items: Items) -> Clusters {
        let sums = ClusterSums::new(items.count());
        Clusters { items, all: sums.clone(), mature: sums }
    }

    /// Adds one person.
    pub fn add(&mut self, reached: &PersonReached) {
        self.all.add(&reached.all);
        self.mature.add(&reached.mature);
    }

    pub fn merge(&mut self, other: &Clusters) {
        self.all.merge(&other.all);
        self.mature.merge(&other.mature);
    }
}

/// Sums over persons of products of their counts: what the variance of a share needs when a person
/// has several units. All integers.
#[derive(Debug, Clone, Default)]
pub struct ClusterSums {
    count: usize,
    /// Persons with at least one unit that has this number.
    pub persons: Vec<u64>,
    products: Vec<u128>,
}

impl ClusterSums {
    pub fn new(count: usize) -> ClusterSums {
        ClusterSums { count, persons: vec![0; count], products: vec![0; count * count] }
    }

    /// Adds one person, given how many of their units have each number.
    pub fn add(&mut self, counts: &[u64]) {
        let given = || counts.iter().copied().enumerate().filter(|(_, n)| *n > 0);
        for (item, n) in given() {
            self.persons[item] += 1;
            for (other, other_n) in given().take_while(|(other, _)| *other <= item) {
                self.products[item * self.count + other] += u128::from(n) * u128::from(other_n);
            }
        }
    }

    /// The sum over persons of the product of two counts.
    pub fn product(&self, one: usize, other: usize) -> u128 {
        self.products[one.max(other) * self.count + one.min(other)]
    }

    fn merge(&mut self, other: &ClusterSums) {
        for (mine, theirs) in self.persons.iter_mut().zip(&other.persons) {
            *mine += theirs;
        }
        for (mine, theirs) in self.products.iter_mut().zip(&other.products) {
            *mine += theirs;
        }
    }

    /// Trials that independent units would need for the same precision: `trials / deff`, where
    /// deff is the variance of the ratio estimator with persons as clusters over the binomial one.
    ///
    /// Method: Kish (1965), Survey Sampling, 6.4; the effective size enters Wilson's interval as in
    /// Korn and Graubard (1998). Where all or none succeed the variance says nothing and the
    /// number of persons is used.
    pub fn effective_trials(&self, hit: usize, base: usize, successes: u64, trials: u64) -> f64 {
        let (persons, trials_f) = (self.persons[base] as f64, trials as f64);
        let ratio = successes as f64 / trials_f;
        let binomial = ratio * (1.0 - ratio) / trials_f;
        if binomial <= 0.0 || persons < 2.0 {
            return persons.min(trials_f);
        }
        let squares = self.product(hit, hit) as f64 - 2.0 * ratio * self.product(hit, base) as f64
            + ratio * ratio * self.product(base, base) as f64;
        let clustered = squares.max(0.0) / (trials_f * trials_f) * persons / (persons - 1.0);
        (trials_f * binomial / clustered.max(f64::MIN_POSITIVE)).clamp(1.0, trials_f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(entered_at: usize, level: usize, served: &[u16]) -> Outcome {
        Outcome { entered_at, level, served: served.to_vec(), ..Outcome::default() }
    }

    fn numbers(shape: Shape, outcome: &Outcome) -> Vec<u64> {
        let mut person = PersonReached::new(Items { shape, step_count: 3 });
        person.add(outcome, true);
        person.all
    }

    #[test]
    fn mature_units_of_a_person_are_clusters_too() {
        let items = Items { shape: Shape::Ordered, step_count: 2 };
        let mut person = PersonReached::new(items);
        person.add(&outcome(0, 2, &[]), true);
        person.add(&outcome(0, 1, &[]), true);
        person.add(&outcome(0, 2, &[]), false);
        let mut clusters = Clusters::new(items);
        clusters.add(&person);
        // 3 units reached step 1 and 2 of them step 2; among the mature 2 and 1.
        let products = |sums: &ClusterSums| [sums.product(0, 0), sums.product(1, 0), sums.product(1, 1)];
        assert_eq!(products(&clusters.all), [9, 6, 4]);
        assert_eq!(products(&clusters.mature), [4, 2, 1]);
        assert_eq!(clusters.mature.persons, [1, 1]);
    }

    #[test]
    fn every_shape_has_the_numbers_that_its_shares_are_made_of() {
        assert_eq!(numbers(Shape::Ordered, &outcome(0, 2, &[])), [1, 1, 0]);
        // Reached; entered; at the step before or entered there.
        assert_eq!(numbers(Shape::Open, &outcome(1, 2, &[])), [0, 1, 0, 1, 0, 1, 1]);
        assert_eq!(numbers(Shape::Open, &outcome(0, 3, &[])), [1, 1, 1, 1, 1, 1, 1]);
        let any = Shape::AnyOrder { anchored: false };
        assert_eq!(numbers(any, &outcome(0, 2, &[2, 0])), [1, 1, 0, 1, 0, 1]);
    }
}
