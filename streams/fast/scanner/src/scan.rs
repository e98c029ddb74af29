//! Events of known forms as columns.

use crate::forms::{Forms, Span};
use crate::hashes::{Halves, Hashes};
use crate::values::{Role, Shape, Value, say_number};

/// Events that go through each step together: as many as stay in the processor's caches.
const AT_ONCE: usize = 512;

/// What events of a form say, in the canonical form that contracts/content.py defines.
pub struct Content {
    /// Around the blanks: the first before the first of them, the last behind the last.
    pub pieces: Vec<Vec<u8>>,
    /// Which of the form's blanks stands where, in the order of the content.
    pub blanks: Vec<usize>,
}

/// Forms whose events have the same columns.
pub struct Group {
    pub blanks: Vec<Shape>,
    /// Which of the blanks is the event's id,
    pub id: usize,
    /// and which its record, if it has one of its own.
    pub record: Option<usize>,
}

struct Form {
    group: usize,
    content: Content,
    /// Of an event whose record is its id.
    without_record: Content,
}

/// What the judge takes, of all events.
pub struct Bounds {
    /// Bytes of an event.
    pub size: usize,
    /// Microseconds since 1970: the first time of an event, and the one behind the last.
    pub first: i64,
    pub end: i64,
    /// Microseconds that an event's time may be ahead of the broker's.
    pub ahead: i64,
}

/// What is known of one site's events.
pub struct Known {
    hashes: Hashes,
    bounds: Bounds,
    tree: Forms,
    groups: Vec<Group>,
    forms: Vec<Form>,
}

/// What is kept of one blank of many events, in the machine's own byte order.
pub enum Column {
    Codes(Halves),
    Times(Vec<u8>),
    /// Microseconds, and what precision they have.
    Whens(Vec<u8>, Vec<u8>),
    /// Numbers; where the text of each begins, the first aside, and the last ends; the texts as written.
    Decimals(Vec<u8>, Vec<u8>, Vec<u8>),
    Ints(Vec<u8>),
    Unread,
}

/// Events of one group, an entry each in every column.
pub struct Rows {
    pub group: usize,
    /// Places among all events that were handed over.
    pub places: Vec<u8>,
    /// Numbers of their forms.
    pub forms: Vec<u8>,
    pub columns: Vec<Column>,
    /// Of events without a record of their own: the id in that role.
    pub records: Option<Halves>,
    pub contents: Halves,
    /// Bytes of all of them together.
    pub size: usize,
}

/// Events of one group that wait for their hashes.
struct Waiting<'a> {
    /// By blank, the identifiers; of other blanks nothing.
    codes: Vec<Vec<&'a [u8]>>,
    /// The contents, one after another, and where each ends.
    contents: Vec<u8>,
    ends: Vec<usize>,
}

impl Known {
    pub fn new(key: &[u8], bounds: Bounds) -> Self {
        Known { hashes: Hashes::new(key), bounds, tree: Forms::new(), groups: Vec::new(), forms: Vec::new() }
    }

    /// The number of a new group; None when it does not make sense.
    pub fn add_group(&mut self, group: Group) -> Option<usize> {
        let is_code = |place: usize| matches!(group.blanks.get(place), Some(Shape::Code(_)));
        if !is_code(group.id) || !group.record.is_none_or(is_code) {
            return None;
        }
        self.groups.push(group);
        Some(self.groups.len() - 1)
    }

    /// The number of a new form; None when it does not make sense.
    pub fn learn(&mut self, group: usize, print: &[&[u8]], content: Content, without_record: Content) -> Option<usize> {
        let blanks = &self.groups.get(group)?.blanks;
        let fits = |content: &Content| {
            content.pieces.len() == content.blanks.len() + 1 && content.blanks.iter().all(|place| *place < blanks.len())
        };
        if print.len() != blanks.len() + 1 || !fits(&content) || !fits(&without_record) {
            return None;
        }
        let number = self.forms.len();
        self.tree.learn(print, blanks, number);
        self.forms.push(Form { group, content, without_record });
        Some(number)
    }

    /// Reads events, of which the broker has the moment in microseconds since 1970 that it received each: those that
    /// fill in a known form with values that fit, by group, and the places of all others.
    pub fn read(&self, events: &[&[u8]], received: &[i64]) -> (Vec<Rows>, Vec<usize>) {
        let mut found: Vec<Option<(Rows, Waiting)>> = self.groups.iter().map(|_| None).collect();
        let mut rest = Vec::new();
        let (mut spans, mut values) = (Vec::new(), Vec::new());
        for (start, together) in events.chunks(AT_ONCE).enumerate().map(|(number, part)| (number * AT_ONCE, part)) {
            for (place, event) in (start..).zip(together) {
                let Some((number, form)) = self.fitting(event, received[place], &mut spans, &mut values) else {
                    rest.push(place);
                    continue;
                };
                let group = &self.groups[form.group];
                let (rows, waiting) =
                    found[form.group].get_or_insert_with(|| (Rows::of(form.group, group), Waiting::of(group)));
                rows.places.extend_from_slice(&(place as i64).to_ne_bytes());
                rows.size += event.len();
                rows.forms.extend_from_slice(&(number as i64).to_ne_bytes());
                for ((column, value), span) in rows.columns.iter_mut().zip(&values).zip(&spans) {
                    column.append(*value, &event[span.0..span.1]);
                }
                waiting.append(group, form, event, &spans);
            }
            for (rows, waiting) in found.iter_mut().flatten() {
                self.hash(rows, waiting);
            }
        }
        (found.into_iter().flatten().map(|(rows, _)| rows).collect(), rest)
    }

    /// The form that an event fills in with values that fit, and in `spans` and `values` what stands in its blanks.
    fn fitting(
        &self,
        event: &[u8],
        received: i64,
        spans: &mut Vec<Span>,
        values: &mut Vec<Value>,
    ) -> Option<(usize, &Form)> {
        if event.len() > self.bounds.size {
            return None;
        }
        spans.clear();
        values.clear();
        let number = self.tree.find(event, spans)?;
        let form = &self.forms[number];
        for (shape, (start, end)) in self.groups[form.group].blanks.iter().zip(spans.iter()) {
            let value = shape.read(&event[*start..*end])?;
            if let Value::Time(micros) = value {
                let likely = (self.bounds.first..self.bounds.end).contains(&micros);
                if !likely || micros.saturating_sub(received) > self.bounds.ahead {
                    return None;
                }
            }
            values.push(value);
        }
        Some((number, form))
    }

    fn hash(&self, rows: &mut Rows, waiting: &mut Waiting) {
        let group = &self.groups[rows.group];
        for ((shape, column), codes) in group.blanks.iter().zip(&mut rows.columns).zip(&waiting.codes) {
            if let (Shape::Code(role), Column::Codes(halves)) = (shape, column) {
                self.hashes.codes(*role, codes.iter().copied(), halves);
            }
        }
        if let Some(records) = &mut rows.records {
            self.hashes.codes(Role::Record, waiting.codes[group.id].iter().copied(), records);
        }
        let starts = std::iter::once(0).chain(waiting.ends.iter().copied());
        let contents = starts.zip(&waiting.ends).map(|(start, end)| &waiting.contents[start..*end]);
        self.hashes.contents(contents, &mut rows.contents);
        waiting.codes.iter_mut().for_each(Vec::clear);
        waiting.contents.clear();
        waiting.ends.clear();
    }
}

impl Rows {
    fn of(number: usize, group: &Group) -> Self {
        let column = |shape: &Shape| match shape {
            Shape::Code(_) => Column::Codes(Halves::default()),
            Shape::Time => Column::Times(Vec::new()),
            Shape::When { .. } => Column::Whens(Vec::new(), Vec::new()),
            Shape::Decimal => Column::Decimals(Vec::new(), Vec::new(), Vec::new()),
            Shape::Int { .. } => Column::Ints(Vec::new()),
            Shape::Unread => Column::Unread,
        };
        Rows {
            group: number,
            places: Vec::new(),
            forms: Vec::new(),
            columns: group.blanks.iter().map(column).collect(),
            records: group.record.is_none().then(Halves::default),
            contents: Halves::default(),
            size: 0,
        }
    }
}

impl Column {
    fn append(&mut self, value: Value, text: &[u8]) {
        match (self, value) {
            (Column::Times(column), Value::Time(micros)) => column.extend_from_slice(&micros.to_ne_bytes()),
            (Column::Whens(column, precisions), Value::When(micros, precision)) => {
                column.extend_from_slice(&micros.to_ne_bytes());
                precisions.extend_from_slice(&precision.to_ne_bytes());
            }
            (Column::Decimals(column, ends, texts), Value::Decimal(number)) => {
                column.extend_from_slice(&number.to_ne_bytes());
                texts.extend_from_slice(text);
                // Numbers have 30 digits at most, and a fetch has far fewer than 70 million events.
                ends.extend_from_slice(&(texts.len() as i32).to_ne_bytes());
            }
            (Column::Ints(column), Value::Int(number)) => column.extend_from_slice(&number.to_ne_bytes()),
            _ => {}
        }
    }
}

impl<'a> Waiting<'a> {
    fn of(group: &Group) -> Self {
        Waiting { codes: vec![Vec::new(); group.blanks.len()], contents: Vec::new(), ends: Vec::new() }
    }

    fn append(&mut self, group: &Group, form: &Form, event: &'a [u8], spans: &[Span]) {
        let text = |place: usize| &event[spans[place].0..spans[place].1];
        for (place, shape) in group.blanks.iter().enumerate() {
            if let Shape::Code(_) = shape {
                self.codes[place].push(text(place));
            }
        }
        let repeats = group.record.is_some_and(|record| text(record) == text(group.id));
        let content = if repeats { &form.without_record } else { &form.content };
        for (number, piece) in content.pieces.iter().enumerate() {
            self.contents.extend_from_slice(piece);
            if let Some(&place) = content.blanks.get(number) {
                match group.blanks[place] {
                    Shape::Decimal => say_number(text(place), &mut self.contents),
                    _ => self.contents.extend_from_slice(text(place)),
                }
            }
        }
        self.ends.push(self.contents.len());
    }
}
