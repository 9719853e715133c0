//! What MATCH keeps of the audiences that it is asked for again and again.
//!
//! To look one consumer up costs a few microseconds for each audience; to make an audience's set
//! some hundred times that, and then anybody is found in it at once. So a list of audiences is
//! compiled once for a view, and when it has been asked for so often that its sets would have paid,
//! they are made one by one, each by one of the questions. They lie in the memo and have its
//! limits: a view whose events leave an audience as it was takes the set from there.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

use hashbrown::{Equivalent, HashMap};
use throng_query::plan::{NameKind, Set};

use crate::definition::{Uses, told};
use crate::error::ExecuteError;
use crate::exec::{self, NodeId, OneConsumer, Program, Wanted};
use crate::memo::KeptSet;
use crate::options::{ExecuteOptions, Length, UseMemo};
use crate::view::View;

/// How often a list is asked for before its sets are made; twice as often after each time that the
/// memo had no room for them.
const TIMES: u32 = 256;
const TIMES_MAX: u32 = 1 << 20;
/// Audiences up to which finding those that hold a consumer is brief.
pub(crate) const AUDIENCES_BRIEF: usize = 32;
/// Who has less time left than this makes no set: it would end in the middle.
const TIME_LEFT: Duration = Duration::from_secs(1);
/// Lists that are kept.
const LISTS_MAX: usize = 64;

/// Lists by their audiences and days.
type Lists = HashMap<(Vec<String>, i32), Arc<MatchList>>;

/// The names and the day of a list.
struct Key<'k>(&'k [String], i32);

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl Equivalent<(Vec<String>, i32)> for Key<'_> {
    fn equivalent(&self, other: &(Vec<String>, i32)) -> bool {
        self.0 == other.0 && self.1 == other.1
    }
}

/// The lists of a view.
#[derive(Debug, Default)]
pub(crate) struct MatchLists(Mutex<Lists>);

/// Some audiences as of a day.
#[derive(Debug)]
pub(crate) struct MatchList {
    sets: Vec<Set>,
    day: i32,
    program: Program,
    nodes: Vec<NodeId>,
    /// What an answer hangs on.
    notices: Vec<String>,
    /// By audience.
    kept: RwLock<Vec<Kept>>,
    /// How often it was asked for while some were not made, and how often it has to be.
    times: AtomicU32,
    wanted: AtomicU32,
    /// Held by whoever makes one.
    making: Mutex<()>,
}

/// What is kept of an audience.
#[derive(Debug, Clone)]
enum Kept {
    /// Nothing yet.
    NotYet,
    /// Its members, as long as the memo has them.
    Members(Weak<KeptSet>),
    /// Nothing, for good: it is read in place as fast, is too large, or cannot be made.
    Never,
}

impl MatchLists {
    /// A list of audiences, compiled.
    ///
    /// # Errors
    /// When there is no such audience, [`ExecuteError::TakesLonger`] of a brief statement with many
    /// that were not compiled, and see [`ExecuteError`].
    pub(crate) fn get(
        &self,
        view: &View,
        names: &[String],
        day: i32,
        options: &ExecuteOptions,
    ) -> Result<Arc<MatchList>, ExecuteError> {
        let lists = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = lists().get(&Key(names, day)) {
            return Ok(Arc::clone(list));
        }
        if options.length == Length::Brief && names.len() > AUDIENCES_BRIEF {
            return Err(ExecuteError::TakesLonger);
        }
        if let Some(name) = names.iter().find(|name| view.audience(name).is_none()) {
            return Err(ExecuteError::Unknown { kind: NameKind::Audience, name: name.clone() });
        }
        let list = Arc::new(MatchList::new(view, names, day, options)?);
        let mut lists = lists();
        if lists.len() >= LISTS_MAX {
            lists.clear();
        }
        lists.insert((names.to_vec(), day), Arc::clone(&list));
        Ok(list)
    }
}

impl MatchList {
    fn new(
        view: &View,
        names: &[String],
        day: i32,
        options: &ExecuteOptions,
    ) -> Result<Self, ExecuteError> {
        let sets: Vec<Set> = names.iter().cloned().map(Set::Audience).collect();
        let (program, nodes) = exec::compiled(view, &sets, day, options)?;
        let mut uses = Uses::default();
        sets.iter().for_each(|set| uses.add(set));
        Ok(Self {
            kept: RwLock::new(vec![Kept::NotYet; sets.len()]),
            notices: told(view, &uses),
            sets,
            day,
            program,
            nodes,
            times: AtomicU32::new(0),
            wanted: AtomicU32::new(TIMES),
            making: Mutex::new(()),
        })
    }

    /// What an answer hangs on.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Whether a consumer is in each of the audiences.
    ///
    /// # Errors
    /// [`ExecuteError::TakesLonger`] of a brief statement that would look many up or has to make a
    /// set, and see [`ExecuteError`].
    pub(crate) fn holds(
        &self,
        view: &View,
        consumer: u32,
        options: &ExecuteOptions,
    ) -> Result<Vec<bool>, ExecuteError> {
        let may_keep = options.memo != UseMemo::No && view.memo().is_on();
        let is_due = || self.times.load(Ordering::Relaxed) >= self.wanted.load(Ordering::Relaxed);
        if may_keep && is_due() {
            self.make_next(view, options)?;
        }
        let mut found: Vec<Option<bool>> = vec![None; self.nodes.len()];
        if may_keep {
            let (mut lost, mut waits) = (false, false);
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            for (found, kept) in found.iter_mut().zip(&*kept) {
                match kept {
                    Kept::NotYet => waits = true,
                    Kept::Members(set) => {
                        *found = set.upgrade().map(|set| set.contains(consumer));
                        lost |= found.is_none();
                    }
                    Kept::Never => {}
                }
            }
            drop(kept);
            if lost {
                self.lose();
            }
            self.times.fetch_add(u32::from(waits), Ordering::Relaxed);
        }
        let rest = found.iter().zip(&self.nodes).filter(|(found, _)| found.is_none());
        let rest: Vec<NodeId> = rest.map(|(_, node)| *node).collect();
        if options.length == Length::Brief && rest.len() > AUDIENCES_BRIEF {
            return Err(ExecuteError::TakesLonger);
        }
        let mut looked_up = Vec::new().into_iter();
        if !rest.is_empty() {
            let wanted = Wanted::of(&self.program);
            let mut one = OneConsumer::new(view, consumer, wanted, options);
            looked_up = exec::holds(&mut one, &self.program, &rest)?.into_iter();
        }
        let each = found.into_iter().map(|found| found.or_else(|| looked_up.next()));
        Ok(each.map(Option::unwrap_or_default).collect())
    }

    /// Forgets what the memo has let go, as it needed the room.
    fn lose(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            |kept: &&mut Kept| matches!(kept, Kept::Members(set) if set.strong_count() == 0);
        let gone = kept.iter_mut().filter(is_gone).map(|kept| *kept = Kept::NotYet).count();
        if gone > 0 {
            let more = self.wanted.load(Ordering::Relaxed).saturating_mul(2);
            self.wanted.store(more.min(TIMES_MAX), Ordering::Relaxed);
            self.times.store(0, Ordering::Relaxed);
        }
    }

    /// Makes the set of one audience, unless somebody is at it. Where it cannot be made the
    /// question is answered without.
    fn make_next(&self, view: &View, options: &ExecuteOptions) -> Result<(), ExecuteError> {
        let ends_soon = |deadline: Instant| deadline < Instant::now() + TIME_LEFT;
        if options.deadline.is_some_and(ends_soon) {
            return Ok(());
        }
        let _making = match self.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::Poisoned(making)) => making.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let next = kept.iter().position(|kept| matches!(kept, Kept::NotYet));
        drop(kept);
        let Some((next, set)) = next.and_then(|next| Some((next, self.sets.get(next)?))) else {
            return Ok(());
        };
        if options.length == Length::Brief {
            return Err(ExecuteError::TakesLonger);
        }
        let made = match exec::kept(view, set, self.day, options) {
            Err(ExecuteError::Cancelled) => return Err(ExecuteError::Cancelled),
            // Another consumer's bytes may be corrupt, and one needs less memory than all.
            Ok(None) | Err(_) => Kept::Never,
            Ok(Some(set)) => Kept::Members(Arc::downgrade(&set)),
        };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.get_mut(next) {
            *place = made;
        }
        Ok(())
    }
}
