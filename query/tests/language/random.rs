//! Random plans in the form the binder makes: no AND directly in an AND, no empty lists, no
//! repetitions.

use throng_query::date::Date;
use throng_query::plan::{
    About, AtLeast, AttributeRef, AttributeTest, AttributeType, AttributeValue, BrandRef,
    Comparison, Dates, Did, Direction, Figure, Flow, Grow, Ledger, Measure, Method, Named,
    NamedKind, Operand, OrderKey, OverlapShape, Partition, Purchases, Query, RankedBy, RowFilter,
    Set, Spend, StepUnit, TargetCategories, Top, Valuation, Window,
};

use crate::catalog::{
    ATTRIBUTES, AUDIENCES, BEHAVIOURS, BRANDS, CATEGORIES, PARTITIONS, STATES, TOUCHPOINTS,
};

/// SplitMix64: Steele, Lea, Flood, OOPSLA 2014.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to n - 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % n as u64).unwrap()
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn name(&mut self, from: &[&str]) -> String {
        (*self.pick(from)).to_owned()
    }

    /// One to three different names.
    fn names(&mut self, from: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for _ in 0..=self.below(3) {
            let name = self.name(from);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn maybe_names(&mut self, from: &[&str]) -> Vec<String> {
        if self.one_in(4) { self.names(from) } else { Vec::new() }
    }

    pub fn date(&mut self) -> Date {
        Date(i32::try_from(self.below(20_000)).unwrap())
    }

    fn days(&mut self) -> (Date, Date) {
        let (a, b) = (self.date(), self.date());
        (a.min(b), a.max(b))
    }

    fn number(&mut self) -> i64 {
        match self.below(8) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => 0,
            3 => -1,
            _ => i64::try_from(self.below(100_000)).unwrap() - 20_000,
        }
    }

    fn brand_ref(&mut self) -> BrandRef {
        if self.one_in(5) { BrandRef::Any } else { BrandRef::Named(self.name(BRANDS)) }
    }

    fn window(&mut self) -> Window {
        match self.below(5) {
            0 => Window::Always,
            4 => Window::BeforeLastDays(1 + u32::try_from(self.below(65_535)).unwrap()),
            1 => Window::LastDays(1 + u32::try_from(self.below(65_535)).unwrap()),
            2 => {
                let (from, to) = self.days();
                Window::Between(from, to)
            }
            _ => {
                let day = self.date();
                Window::Between(day, day)
            }
        }
    }

    fn rows(&mut self, brand: &BrandRef) -> RowFilter {
        let only = *brand != BrandRef::Any && self.one_in(5);
        RowFilter {
            touchpoints: self.maybe_names(TOUCHPOINTS),
            categories: self.maybe_names(CATEGORIES),
            items: self.maybe_names(&["a", "it's", "", "--", "/*", "$1", "日本", "a\nb", "\\"]),
            target_categories: if only {
                TargetCategories::Only
            } else {
                TargetCategories::Ignored
            },
        }
    }

    fn spend(&mut self) -> Spend {
        let brand = self.brand_ref();
        let rows = self.rows(&brand);
        Spend { brand, window: self.window(), rows }
    }

    fn did(&mut self) -> Did {
        let brand = self.brand_ref();
        let rows = self.rows(&brand);
        let behaviours = if self.one_in(5) { Vec::new() } else { self.names(BEHAVIOURS) };
        let at_least = match self.below(4) {
            0 => AtLeast::Times(u32::try_from(self.below(9) + 1).unwrap()),
            1 => AtLeast::Days(u32::try_from(self.below(9) + 1).unwrap()),
            2 => AtLeast::Times(u32::MAX),
            _ => AtLeast::Times(1),
        };
        Did { brand, behaviours, at_least, window: self.window(), rows }
    }

    fn comparison(&mut self) -> Comparison {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        *self.pick(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual])
    }

    fn attribute(&mut self) -> (AttributeRef, AttributeType) {
        let (brand, name, kind) = *self.pick(ATTRIBUTES);
        (AttributeRef { brand: brand.map(str::to_owned), name: name.to_owned() }, kind)
    }

    fn value(&mut self, kind: AttributeType) -> AttributeValue {
        match kind {
            AttributeType::Text => AttributeValue::Text(
                self.name(&["18-24", "it's", "", "北京", "\"", "a -- b", "NULL"]),
            ),
            AttributeType::Boolean => AttributeValue::Boolean(self.one_in(2)),
            AttributeType::Date => AttributeValue::Number(i64::from(self.date().0)),
            AttributeType::Integer | AttributeType::Decimal { .. } => {
                AttributeValue::Number(self.number())
            }
        }
    }

    fn attribute_test(&mut self, kind: AttributeType) -> AttributeTest {
        let ordered = !matches!(kind, AttributeType::Text | AttributeType::Boolean);
        let mut values = vec![self.value(kind)];
        for _ in 0..self.below(3) {
            let value = self.value(kind);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        match self.below(6) {
            0 => AttributeTest::Unknown,
            1 => AttributeTest::Known,
            2 => AttributeTest::In(values),
            3 => AttributeTest::NotIn(values),
            4 if ordered => {
                let (a, b) = (self.value(kind), self.value(kind));
                AttributeTest::Between(a.clone().min(b.clone()), a.max(b))
            }
            _ => {
                let equality = [Comparison::Equal, Comparison::NotEqual];
                let comparison = if ordered { self.comparison() } else { *self.pick(&equality) };
                AttributeTest::Compare(comparison, self.value(kind))
            }
        }
    }

    fn stage_categories(&mut self) -> Vec<String> {
        if self.one_in(3) { self.names(CATEGORIES) } else { Vec::new() }
    }

    fn model(&mut self) -> String {
        self.name(&["aipl", "aipl_quick"])
    }

    fn leaf(&mut self) -> Set {
        match self.below(11) {
            9 => self.group(),
            10 => self.top(),
            0 => Set::All,
            1 | 2 => Set::Stage {
                brand: BrandRef::Named(self.name(BRANDS)),
                model: self.model(),
                stages: self.names(&["L", "P", "I", "A", "O", "none"]),
                categories: self.stage_categories(),
                as_of: self.one_in(3).then(|| self.date()),
            },
            3 | 4 => Set::Did(self.did()),
            5 if self.one_in(3) => Set::Price {
                of: self.spend(),
                comparison: self.comparison(),
                amount: self.number(),
            },
            5 => Set::Spent {
                spend: self.spend(),
                comparison: self.comparison(),
                amount: self.number(),
            },
            6 => Set::State { brand: BrandRef::Named(self.name(BRANDS)), state: self.name(STATES) },
            7 => {
                let (attribute, kind) = self.attribute();
                Set::Attribute { attribute, test: self.attribute_test(kind) }
            }
            _ if self.one_in(2) => Set::Audience(self.name(AUDIENCES)),
            _ => Set::Sample {
                per_million: u32::try_from(self.below(1_000_001)).unwrap(),
                seed: self.bits() >> 1,
            },
        }
    }

    fn group(&mut self) -> Set {
        let (partition, groups) = *self.pick(PARTITIONS);
        let groups = self.names(groups);
        let as_of = self.one_in(3).then(|| self.date());
        Set::Group { partition: partition.to_owned(), groups, as_of }
    }

    fn top(&mut self) -> Set {
        let among = self.one_in(2).then(|| Box::new(self.set(1)));
        Set::Top(Top {
            per_million: u32::try_from(self.below(1_000_001)).unwrap(),
            among,
            by: *self.pick(&[
                RankedBy::Spend,
                RankedBy::Frequency,
                RankedBy::Recency,
                RankedBy::Price,
            ]),
            of: self.spend(),
        })
    }

    pub fn set(&mut self, depth: usize) -> Set {
        if depth == 0 || self.one_in(4) {
            return self.leaf();
        }
        if self.one_in(3) {
            return Set::Not(Box::new(self.set(depth - 1)));
        }
        let and = self.one_in(2);
        let mut parts = Vec::new();
        while parts.len() < 2 {
            for _ in 0..=self.below(3) {
                match self.set(depth - 1) {
                    Set::And(inner) if and => parts.extend(inner),
                    Set::Or(inner) if !and => parts.extend(inner),
                    other => parts.push(other),
                }
            }
        }
        if and { Set::And(parts) } else { Set::Or(parts) }
    }

    fn partition(&mut self) -> Partition {
        match self.below(4) {
            3 => Partition::Own {
                name: self.pick(PARTITIONS).0.to_owned(),
                as_of: self.one_in(2).then(|| self.date()),
            },
            0 => Partition::Audience(self.name(AUDIENCES)),
            1 => Partition::Attribute(self.attribute().0),
            _ => Partition::Stage {
                brand: self.name(BRANDS),
                model: self.model(),
                categories: self.stage_categories(),
                as_of: self.one_in(2).then(|| self.date()),
            },
        }
    }

    fn about(&mut self) -> Partition {
        let of = Did { at_least: AtLeast::Times(1), ..self.did() };
        let top = self.one_in(2).then(|| 1 + self.below(99) as u64);
        Partition::About { what: *self.pick(&About::ALL), of, top }
    }

    fn operands(&mut self) -> Vec<Operand> {
        let mut operands: Vec<Operand> = Vec::new();
        while operands.len() < 2 || self.one_in(2) {
            let label =
                if self.one_in(2) { self.name(BRANDS) } else { format!("set {}", self.below(99)) };
            let set = if self.one_in(2) {
                Set::Stage {
                    brand: BrandRef::Named(label.clone()),
                    model: "aipl".to_owned(),
                    stages: ["A", "I", "P", "L"].map(str::to_owned).to_vec(),
                    categories: Vec::new(),
                    as_of: None,
                }
            } else {
                self.set(2)
            };
            let unknown_brand = matches!(
                &set,
                Set::Stage { brand: BrandRef::Named(brand), .. } if brand.contains(' ')
            );
            if !unknown_brand && operands.iter().all(|operand| operand.label != label) {
                operands.push(Operand { label, set });
            }
        }
        operands
    }

    fn flow(&mut self) -> Measure {
        let (from, to) = self.days();
        let model = self.name(&["aipl", "aipl_quick", "lifecycle", "deeplink"]);
        let categories = self.stage_categories();
        Measure::Flow(Flow { brand: self.name(BRANDS), categories, model, from, to })
    }

    fn valuation(&mut self) -> Valuation {
        Valuation {
            categories: self.stage_categories(),
            brand: self.name(BRANDS),
            horizon_days: 1 + u32::try_from(self.below(3_650)).unwrap(),
            method: *self.pick(&[Method::Cohort, Method::Markov]),
        }
    }

    fn named(&mut self) -> Named {
        let days = 1 + u32::try_from(self.below(366)).unwrap();
        let brand = BrandRef::Named(self.name(BRANDS));
        let kind = match self.below(5) {
            0 => NamedKind::Fast { days },
            1 => NamedKind::Deepening { days },
            2 => NamedKind::Reservoir,
            3 => NamedKind::Penetration { window: self.window(), rows: self.rows(&BrandRef::Any) },
            _ => {
                let (first, last) = self.days();
                let period = *self.pick(&[Window::LastDays(days), Window::Between(first, last)]);
                let against = self.one_in(2).then(|| self.days());
                NamedKind::Grow(Grow { period, against, rows: self.rows(&brand) })
            }
        };
        Named { brand: self.name(BRANDS), kind }
    }

    fn measure(&mut self) -> Measure {
        match self.below(13) {
            11 => Measure::Named(self.named()),
            12 => {
                Measure::Purchases(Purchases { figure: *self.pick(&Figure::ALL), of: self.spend() })
            }
            7 => self.flow(),
            8 => Measure::Asset(self.valuation()),
            9 => Measure::Backtest(self.valuation()),
            10 => {
                let Valuation { brand, categories, horizon_days, .. } = self.valuation();
                let (from, to) = self.days();
                Measure::Ledger(Ledger { brand, categories, horizon_days, from, to })
            }
            0 => Measure::Spend(self.spend()),
            1 => {
                let (attribute, kind) = self.attribute();
                match kind {
                    AttributeType::Integer => Measure::AttributeSum { attribute, scale: 0 },
                    AttributeType::Decimal { scale } => Measure::AttributeSum { attribute, scale },
                    _ => Measure::Count,
                }
            }
            2 => Measure::Overlap {
                operands: self.operands(),
                shape: *self.pick(&[OverlapShape::Pairs, OverlapShape::Regions]),
            },
            3 => Measure::Profile,
            4 => {
                let operands = self.operands();
                let [set, base] = [0, 1].map(|at| Box::new(operands[at].clone()));
                Measure::Compare { set, base }
            }
            _ => Measure::Count,
        }
    }

    fn dates(&mut self) -> Dates {
        match self.below(3) {
            0 => Dates::AsOf(None),
            1 => Dates::AsOf(Some(self.date())),
            _ => {
                let from = self.date();
                let to = from.plus_days(i32::try_from(self.below(4_000)).unwrap());
                Dates::Every {
                    step: u32::try_from(self.below(40)).unwrap() + 1,
                    unit: *self.pick(&[StepUnit::Day, StepUnit::Week, StepUnit::Month]),
                    from,
                    to,
                }
            }
        }
    }

    pub fn query(&mut self) -> Query {
        let measure = self.measure();
        let is_overlap = matches!(measure, Measure::Overlap { .. });
        let is_compared = matches!(measure, Measure::Compare { .. });
        let is_profile = is_compared || measure == Measure::Profile;
        let versus_fits = measure == Measure::Profile || measure == Measure::Count;
        let of_brand = matches!(
            measure,
            Measure::Flow(_) | Measure::Asset(_) | Measure::Ledger(_) | Measure::Backtest(_)
        );
        let partitions = match self.below(4) {
            _ if is_overlap || of_brand => 0,
            n if is_profile => n + 1,
            n => n,
        };
        let tests = matches!(measure, Measure::Backtest(_));
        let order = match self.below(3) {
            0 => vec![
                OrderKey { column: 0, direction: Direction::Descending },
                OrderKey { column: 0, direction: Direction::Ascending },
            ],
            _ => Vec::new(),
        };
        let dates = match measure {
            Measure::Ledger(_) => Dates::AsOf(None),
            _ if of_brand => Dates::AsOf(self.one_in(2).then(|| self.date())),
            _ => self.dates(),
        };
        let versus = (versus_fits && self.one_in(2)).then(|| self.set(2));
        let is_one = match &measure {
            Measure::Count => versus.is_none(),
            Measure::Spend(_) | Measure::Purchases(_) | Measure::AttributeSum { .. } => true,
            Measure::Named(of) => !matches!(of.kind, NamedKind::Fast { .. } | NamedKind::Grow(_)),
            _ => false,
        };
        let goes_on = is_one && matches!(dates, Dates::Every { .. }) && self.one_in(2);
        let forecast_days = goes_on.then(|| 1 + u32::try_from(self.below(3_650)).unwrap());
        Query {
            forecast_days,
            filter: (!tests && self.one_in(2)).then(|| self.set(3)),
            versus,
            partitions: (0..partitions)
                .map(|_| if is_profile && self.one_in(3) { self.about() } else { self.partition() })
                .collect(),
            dates,
            order,
            limit: self.one_in(3).then(|| self.below(1_000) as u64),
            measure,
        }
    }
}
