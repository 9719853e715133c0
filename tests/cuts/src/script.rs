//! What is done to a store: steps, written down or thrown.

use std::collections::BTreeSet;
use std::fmt;

use rand::RngExt;
use rand_pcg::Pcg64;
use throng_storage::store::{Depth, Links};

use crate::model::{Model, Row};

/// Events that come together.
#[derive(Clone)]
pub struct Batch {
    /// Applied once.
    pub token: Option<String>,
    /// Its events.
    pub rows: Vec<Row>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.rows.first().map_or(0, |row| row.amount);
        write!(f, "{} rows from {first}", self.rows.len())?;
        self.token.iter().try_for_each(|token| write!(f, " as {token}"))
    }
}

/// Whether a bulk load ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is committed.
    Commit,
    /// It is given up.
    GiveUp,
}

/// A bulk load.
#[derive(Debug, Clone)]
pub struct Load {
    /// Its events and token.
    pub batch: Batch,
    /// An index that it puts, with that many members, or drops.
    pub index: Option<(String, Option<u32>)>,
    /// A definition that it changes.
    pub definition: Option<(String, String)>,
    /// Bytes of memory before it spills.
    pub memory: usize,
    /// Whether it ends.
    pub ending: Ending,
}

/// One thing that a program does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Closes the store when it is open, and opens it; makes it when there is none.
    Open,
    /// Appends batches, and waits for all of them.
    Batches(Vec<Batch>),
    /// Changes definitions: names and values.
    Define(Vec<(String, Option<String>)>),
    /// Loads in bulk.
    Load(Load),
    /// Writes memory to segments.
    Checkpoint,
    /// Goes on with a checkpoint: begins it, writes its files, or publishes them.
    Advance,
    /// Merges: so far, and stops after so many questions.
    Compact(Depth, Option<u32>),
    /// Merges everything and takes out who is forgotten; stops after so many questions.
    CompactAll(Option<u32>),
    /// Forgets consumers, whoever of them is known.
    Forget(Vec<String>),
    /// Deletes a brand's events of some days, of one behaviour or of all.
    Delete(Deleted),
    /// Backs up.
    Backup(Links),
    /// Restores the backup, when there is none restored yet.
    Restore,
}

/// Events that are deleted.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// Whose.
    pub brand: String,
    /// Of what; of everything when there is none.
    pub behaviour: Option<String>,
    /// The first day and the last.
    pub days: (i32, i32),
}

impl Deleted {
    fn has(&self, row: &Row) -> bool {
        let [_, brand, behaviour, _] = &row.names;
        *brand == self.brand
            && self.behaviour.as_ref().is_none_or(|one| one == behaviour)
            && (self.days.0..=self.days.1).contains(&row.day)
    }
}

/// A change that is there whole or not at all.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Events.
    Rows(Batch),
    /// Definitions.
    Define(Vec<(String, Option<String>)>),
    /// A bulk load.
    Load(Load),
    /// Consumers are gone.
    Forget(Vec<String>),
    /// Events are gone.
    Delete(Deleted),
}

impl Effect {
    /// The content with this change.
    #[must_use]
    pub fn on(&self, model: &Model) -> Model {
        let mut model = model.clone();
        match self {
            Self::Rows(batch) => {
                batch_on(&mut model, batch);
            }
            Self::Define(changes) => changes.iter().for_each(|(name, value)| match value {
                Some(value) => {
                    model.definitions.insert((1, name.clone()), value.clone().into_bytes());
                }
                None => {
                    model.definitions.remove(&(1, name.clone()));
                }
            }),
            Self::Load(load) => {
                if batch_on(&mut model, &load.batch) {
                    if let Some((name, value)) = &load.definition {
                        model.definitions.insert((1, name.clone()), value.clone().into_bytes());
                    }
                    match &load.index {
                        Some((key, Some(members))) => {
                            model.indexes.insert(key.clone(), load.members(*members));
                        }
                        Some((key, None)) => {
                            model.indexes.remove(key);
                        }
                        None => {}
                    }
                }
            }
            Self::Forget(consumers) => {
                model.rows.retain(|row| !consumers.contains(&row.names[0]));
                for members in model.indexes.values_mut() {
                    members.retain(|member| !consumers.contains(member));
                }
            }
            Self::Delete(deleted) => model.rows.retain(|row| !deleted.has(row)),
        }
        model
    }
}

impl Load {
    /// The first of its consumers, by name.
    #[must_use]
    pub fn members(&self, count: u32) -> BTreeSet<String> {
        let consumers: BTreeSet<&String> =
            self.batch.rows.iter().map(|row| &row.names[0]).collect();
        consumers.into_iter().take(count as usize).cloned().collect()
    }
}

/// Adds events; whether their token was new.
fn batch_on(model: &mut Model, batch: &Batch) -> bool {
    if let Some(token) = &batch.token
        && !model.tokens.insert(token.clone())
    {
        return false;
    }
    batch.rows.iter().for_each(|row| model.rows.add(row.clone()));
    true
}

impl Step {
    /// The changes it makes, in their order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        match self {
            Self::Batches(batches) => batches.iter().cloned().map(Effect::Rows).collect(),
            Self::Define(changes) => vec![Effect::Define(changes.clone())],
            Self::Load(load) if load.ending == Ending::Commit => {
                vec![Effect::Load(load.clone())]
            }
            Self::Forget(consumers) => vec![Effect::Forget(consumers.clone())],
            Self::Delete(deleted) => vec![Effect::Delete(deleted.clone())],
            _ => Vec::new(),
        }
    }

    /// The consumers that it names.
    #[must_use]
    pub fn consumers(&self) -> BTreeSet<&String> {
        let batches = match self {
            Self::Batches(batches) => batches.as_slice(),
            Self::Load(load) => std::slice::from_ref(&load.batch),
            _ => &[],
        };
        batches.iter().flat_map(|batch| &batch.rows).map(|row| &row.names[0]).collect()
    }

    fn tokens(&self) -> Vec<String> {
        let of = |batch: &Batch| batch.token.clone();
        match self {
            Self::Batches(batches) => batches.iter().filter_map(of).collect(),
            Self::Load(load) => of(&load.batch).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Every token that some steps use.
#[must_use]
pub fn tokens(steps: &[Step]) -> BTreeSet<String> {
    steps.iter().flat_map(Step::tokens).collect()
}

/// Throws steps.
#[derive(Debug)]
pub struct Thrower<'r> {
    random: &'r mut Pcg64,
    /// Amounts from here on are not taken.
    next: i64,
}

impl<'r> Thrower<'r> {
    /// Events have amounts from a number on.
    pub fn new(random: &'r mut Pcg64, first: i64) -> Self {
        Self { random, next: first }
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.random.random_range(0..of) == 0
    }

    fn batch(&mut self, most: usize) -> Batch {
        let count = self.random.random_range(1..=most);
        let days = if self.one_in(2) { 17_000..17_004 } else { 16_700..17_004 };
        let rows = (0..count).map(|_| {
            self.next += 1;
            // No name is the beginning of another.
            let mut pick =
                |prefix: &str, of: u32| format!("{prefix}{:02}", self.random.random_range(0..of));
            let names = [pick("consumer", 40), pick("brand", 3), pick("did", 2), pick("item", 20)];
            let (day, second) =
                (self.random.random_range(days.clone()), self.random.random_range(0..86_400));
            Row { names, day, second, amount: self.next }
        });
        let rows = rows.collect();
        let token = self.one_in(3).then(|| format!("t{}", self.random.random_range(0..5)));
        Batch { token, rows }
    }

    fn load(&mut self) -> Load {
        let batch = self.batch(30);
        // A set has only consumers that the store has: at least those of the load.
        let consumers: BTreeSet<&String> = batch.rows.iter().map(|row| &row.names[0]).collect();
        let consumers = u32::try_from(consumers.len()).unwrap_or(1);
        let index = self.one_in(2).then(|| {
            let key = format!("i{}", self.random.random_range(0..2));
            (key, (!self.one_in(4)).then(|| self.random.random_range(1..=consumers)))
        });
        let definition = self
            .one_in(3)
            .then(|| ("loaded".to_owned(), self.random.random_range(0..9).to_string()));
        let memory = if self.one_in(2) { 1 << 20 } else { 400 };
        let ending = if self.one_in(5) { Ending::GiveUp } else { Ending::Commit };
        Load { batch, index, definition, memory, ending }
    }

    /// Any step.
    pub fn step(&mut self) -> Step {
        match self.random.random_range(0..29) {
            0..7 => {
                let count = if self.one_in(3) { self.random.random_range(2..4) } else { 1 };
                Step::Batches((0..count).map(|_| self.batch(8)).collect())
            }
            7..10 => {
                let count = self.random.random_range(1..3);
                let changes = (0..count).map(|_| {
                    let name = format!("d{}", self.random.random_range(0..3));
                    let value =
                        (!self.one_in(4)).then(|| self.random.random_range(0..99).to_string());
                    (name, value)
                });
                Step::Define(changes.collect())
            }
            10..14 => Step::Load(self.load()),
            14 => Step::Checkpoint,
            15..17 => Step::Advance,
            17..19 => {
                let depth = if self.one_in(3) { Depth::Due } else { Depth::Full };
                let stop = self.one_in(4).then(|| self.random.random_range(0..6));
                Step::Compact(depth, stop)
            }
            19..21 => Step::Backup(if self.one_in(2) { Links::Allowed } else { Links::Never }),
            21 => Step::Restore,
            22..25 => {
                let count = self.random.random_range(1..5);
                let who = |_| format!("consumer{:02}", self.random.random_range(0..40));
                Step::Forget((0..count).map(who).collect())
            }
            25 => {
                let brand = format!("brand{:02}", self.random.random_range(0..3));
                let behaviour = self.one_in(2);
                let behaviour =
                    behaviour.then(|| format!("did{:02}", self.random.random_range(0..2)));
                let first = self.random.random_range(16_700..17_004);
                let days = (first, first + self.random.random_range(0..200));
                Step::Delete(Deleted { brand, behaviour, days })
            }
            26..28 => {
                let stop = self.one_in(4).then(|| self.random.random_range(0..12));
                Step::CompactAll(stop)
            }
            _ => Step::Open,
        }
    }

    /// What is done with a store that was opened after a cut: little, so that it is quick.
    pub fn afterwards(&mut self) -> Vec<Step> {
        match self.random.random_range(0..8) {
            0..3 => Vec::new(),
            3 => vec![Step::Open],
            4 => vec![Step::Batches(vec![self.batch(4)]), Step::Open],
            5 => vec![Step::Batches(vec![self.batch(4)]), Step::Checkpoint],
            6 => vec![self.step()],
            _ => vec![self.step(), Step::Open, self.step()],
        }
    }

    /// A script that begins with an empty disk.
    pub fn script(&mut self) -> Vec<Step> {
        let length = self.random.random_range(6..13);
        let rest: Vec<Step> = (0..length).map(|_| self.step()).collect();
        [Step::Open].into_iter().chain(rest).collect()
    }
}
