//! Where a value of the policy and one of the token part ways: word by word, and with wildcards, so
//! that a person sees the segment that differs and not two long texts.

use std::ops::Range;

use crate::policy::issuer::Kind;
use crate::policy::pattern;
use crate::policy::subject;

/// Longer values are shown whole; no CI writes any.
const MOST_WORDS: usize = 96;

/// What to pay for a word that is only there on one side, for a delimiter, and for one word in the
/// place of another. That is dearer than either by itself, and cheaper than both.
const WORD: u32 = 4;
const DELIMITER: u32 = 2;
const OTHER_WORD: u32 = 13;
/// For one that differs in letter case alone.
const NEAR_WORD: u32 = 1;
/// For each word more or less than one that a `*` takes before the end: there it rather stands for one.
const MORE: u32 = 1;
/// How many times as much it costs to do without a word of the policy, which a token has to have.
const NEEDED: u32 = 3;

/// Two values side by side. Ranges are bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The more, the further apart.
    pub cost: u32,
    pub wanted: Vec<Range<usize>>,
    pub had: Vec<Range<usize>>,
    /// In the words of the CI: `branch`, `environment`.
    pub segments: Vec<&'static str>,
}

/// `wild`: `*` and `?` of the policy's value stand for other text. `None`: too long to say.
#[must_use]
pub(super) fn difference(kind: Kind, wanted: &str, had: &str, wild: bool) -> Option<Difference> {
    let (ours, theirs) = (words(wanted), words(had));
    if ours.len() > MOST_WORDS || theirs.len() > MOST_WORDS {
        return None;
    }
    let table = Table::fill(wanted, had, &ours, &theirs, wild);
    let found = table.walk_back(&ours, &theirs);
    let ranges = |words: &[Word], differ: &[bool], gaps: &[usize], text: &str| match joined(words, differ) {
        // Nothing to mark but the place where something is missing.
        ranges if ranges.is_empty() => {
            let at = |gap: &usize| words.get(*gap).map_or(text.len(), |word| word.at.start);
            let mut gaps: Vec<usize> = gaps.iter().map(at).collect();
            gaps.dedup();
            gaps.into_iter().map(|at| at..at).rev().collect()
        }
        ranges => ranges,
    };
    let ours = ranges(&ours, &found.wanted, &found.wanted_gaps, wanted);
    let theirs = ranges(&theirs, &found.had, &found.had_gaps, had);
    let segments = named(kind, had, &theirs);
    Some(Difference { cost: found.cost, wanted: ours, had: theirs, segments })
}

/// A word or a delimiter.
#[derive(Clone)]
struct Word {
    at: Range<usize>,
    delimiter: bool,
}

impl Word {
    fn cost(&self) -> u32 {
        if self.delimiter { DELIMITER } else { WORD }
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (at, c) in text.char_indices() {
        let delimiter = ":/@{}".contains(c);
        match words.last_mut() {
            Some(word) if !delimiter && !word.delimiter => word.at.end = at + c.len_utf8(),
            _ => words.push(Word { at: at..at + c.len_utf8(), delimiter }),
        }
    }
    words
}

/// How a place in the table is reached: by how many words of each side, and whether they differ.
#[derive(Clone, Copy)]
struct Step {
    cost: u32,
    ours: usize,
    theirs: usize,
    differs: bool,
}

struct Table {
    width: usize,
    steps: Vec<Option<Step>>,
}

impl Table {
    fn fill(wanted: &str, had: &str, ours: &[Word], theirs: &[Word], wild: bool) -> Self {
        let width = theirs.len() + 1;
        let mut table = Self { width, steps: vec![None; (ours.len() + 1) * width] };
        let text = |of: &'_ str, at: Range<usize>| of.get(at).unwrap_or_default().to_owned();
        table.offer(0, 0, Step { cost: 0, ours: 0, theirs: 0, differs: false });
        for i in 0..=ours.len() {
            for j in 0..=theirs.len() {
                let Some(here) = table.cost(i, j) else { continue };
                let (our, their) = (ours.get(i), theirs.get(j));
                if let Some(our) = our {
                    table.offer(i + 1, j, Step { cost: here + NEEDED * our.cost(), ours: 1, theirs: 0, differs: true });
                    let pattern = text(wanted, our.at.clone());
                    if wild && pattern.contains('*') {
                        // It can take any number of words.
                        for end in j..=theirs.len() {
                            let from = their.map_or(had.len(), |word| word.at.start);
                            let to = if end == j { from } else { theirs.get(end - 1).map_or(from, |word| word.at.end) };
                            if pattern::like(&pattern, &text(had, from..to)) {
                                let last = i + 1 == ours.len();
                                let more = u32::try_from((end - j).abs_diff(1)).unwrap_or(u32::MAX);
                                let cost = if last { here } else { here + MORE * more };
                                let step = Step { cost, ours: 1, theirs: end - j, differs: false };
                                table.offer(i + 1, end, step);
                            }
                        }
                    }
                }
                if let Some(their) = their {
                    table.offer(i, j + 1, Step { cost: here + their.cost(), ours: 0, theirs: 1, differs: true });
                }
                if let (Some(our), Some(their)) = (our, their) {
                    let (mine, other) = (text(wanted, our.at.clone()), text(had, their.at.clone()));
                    let same = mine == other || (wild && pattern::like(&mine, &other));
                    let extra = match () {
                        () if same => 0,
                        () if mine.eq_ignore_ascii_case(&other) => NEAR_WORD,
                        () if !our.delimiter && !their.delimiter => OTHER_WORD,
                        () => NEEDED * our.cost() + their.cost(),
                    };
                    table.offer(i + 1, j + 1, Step { cost: here + extra, ours: 1, theirs: 1, differs: !same });
                }
            }
        }
        table
    }

    fn cost(&self, i: usize, j: usize) -> Option<u32> {
        self.steps.get(i * self.width + j).copied().flatten().map(|step| step.cost)
    }

    /// The last of several that cost the same stays: so what agrees is found early, and what is missing late.
    fn offer(&mut self, i: usize, j: usize, step: Step) {
        if let Some(place) = self.steps.get_mut(i * self.width + j)
            && place.is_none_or(|known| step.cost <= known.cost)
        {
            *place = Some(step);
        }
    }

    fn walk_back(&self, ours: &[Word], theirs: &[Word]) -> Found {
        let (mut i, mut j) = (ours.len(), theirs.len());
        let mut found = Found {
            cost: self.cost(i, j).unwrap_or_default(),
            wanted: vec![false; i],
            had: vec![false; j],
            wanted_gaps: Vec::new(),
            had_gaps: Vec::new(),
        };
        while i > 0 || j > 0 {
            let Some(Some(step)) = self.steps.get(i * self.width + j) else { break };
            if step.ours + step.theirs == 0 {
                break;
            }
            (i, j) = (i - step.ours, j - step.theirs);
            if step.differs {
                found.wanted.iter_mut().skip(i).take(step.ours).for_each(|differs| *differs = true);
                found.had.iter_mut().skip(j).take(step.theirs).for_each(|differs| *differs = true);
                found.wanted_gaps.extend((step.ours == 0).then_some(i));
                found.had_gaps.extend((step.theirs == 0).then_some(j));
            }
        }
        found
    }
}

/// Which words of each side differ, and before which words something of the other side is missing.
struct Found {
    cost: u32,
    wanted: Vec<bool>,
    had: Vec<bool>,
    wanted_gaps: Vec<usize>,
    had_gaps: Vec<usize>,
}

/// Words that differ as ranges; a delimiter between two of them belongs to both.
fn joined(words: &[Word], differ: &[bool]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut since = usize::MAX; // how many words since the last that differs
    for (word, differs) in words.iter().zip(differ) {
        match ranges.last_mut() {
            Some(range) if *differs && since <= 1 => range.end = word.at.end,
            _ if *differs => ranges.push(word.at.clone()),
            _ => {}
        }
        since = match (differs, word.delimiter) {
            (true, _) => 0,
            (false, true) => since.saturating_add(1),
            (false, false) => usize::MAX,
        };
    }
    ranges
}

/// The parts of the subject that the ranges touch; what stands before a part introduces it.
fn named(kind: Kind, text: &str, ranges: &[Range<usize>]) -> Vec<&'static str> {
    let Some((_, segments)) = subject::parse(kind.subjects(), text) else { return Vec::new() };
    let mut names = Vec::new();
    let mut from = 0;
    for segment in segments {
        // Segments come in order, each behind the one before it.
        let rest = text.get(from..).unwrap_or_default();
        let end = match segment.value {
            "" => text.len(), // only a last part can be empty
            value => match rest.find(value) {
                Some(at) => from + at + value.len(),
                None => continue,
            },
        };
        let touches = |range: &Range<usize>| {
            if range.is_empty() {
                range.start > from && range.end <= end
            } else {
                range.start < end && range.end > from
            }
        };
        if ranges.iter().any(touches) {
            names.push(segment.name);
        }
        from = end;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_that_differs_is_found() {
        for (kind, wanted, had, wild, marked, segments) in [
            (
                Kind::GitHub,
                "repo:octo/api:ref:refs/heads/main",
                "repo:octo/api:environment:prod",
                false,
                "ref:refs/heads/main | environment:prod",
                "environment",
            ),
            (
                Kind::GitHub,
                "repo:octo/*:ref:refs/heads/main",
                "repo:octo/api:environment:prod",
                true,
                "ref:refs/heads/main | environment:prod",
                "environment",
            ),
            (Kind::GitHub, "repo:octo/web:*", "repo:octo/api:ref:refs/heads/main", true, "web | api", "repository"),
            (
                Kind::GitHub,
                "repo:Octo/api:ref:refs/heads/main",
                "repo:octo/api:ref:refs/heads/main",
                false,
                "Octo | octo",
                "owner",
            ),
            (
                Kind::GitHub,
                "repo:octo/api:ref:refs/heads/main",
                "repo:octo@1/api@2:ref:refs/heads/main",
                false,
                ", | @1,@2",
                "owner id, repository id",
            ),
            (
                Kind::GitLab,
                "project_path:acme/api:ref_type:branch:ref:main",
                "project_path:acme/api:ref_type:tag:ref:main",
                false,
                "branch | tag",
                "tag",
            ),
            (
                Kind::Buildkite,
                "organization:acme:pipeline:api:ref:main:*",
                "organization:acme:pipeline:api:ref:refs/heads/main:commit:9f:step:",
                true,
                " | refs/heads/",
                "ref",
            ),
            (
                Kind::Buildkite,
                "organization:acme:pipeline:api:*:step:deploy",
                "organization:acme:pipeline:api:ref:x:commit:9f:step:",
                true,
                "deploy | ",
                "step",
            ),
            (
                Kind::GitHub,
                "repo:octo/api:*",
                "repo:octo@1/api@2:ref:refs/heads/main",
                true,
                ", | @1,@2",
                "owner id, repository id",
            ),
            (Kind::GitHub, "repo:octo/app-*:*", "repo:octo/app-x:pull_request", true, " | ", ""),
            (Kind::Bitrise, "app:1:workflow:deploy", "app:1:workflow:test", false, "deploy | test", "workflow"),
            (Kind::Other, "a:b", "a:c", false, "b | c", ""),
        ] {
            let found = difference(kind, wanted, had, wild).unwrap();
            let cut = |text: &str, ranges: &[Range<usize>]| {
                ranges.iter().map(|range| text[range.clone()].to_owned()).collect::<Vec<_>>().join(",")
            };
            let got = format!("{} | {}", cut(wanted, &found.wanted), cut(had, &found.had));
            assert_eq!((got.as_str(), found.segments.join(", ").as_str()), (marked, segments), "{wanted} {had}");
            assert_eq!(found.wanted.is_empty() && found.had.is_empty(), marked == " | ", "{wanted} {had}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_compared() {
        assert_eq!(difference(Kind::Other, &"a:".repeat(100), "a", false), None);
    }
}
