//! Forms that the judge accepted, as one tree: which of them an event fills in, and where its blanks are.

use crate::values::Shape;

/// A part of an event: its first byte, and the one behind its last.
pub type Span = (usize, usize);

/// All forms of a site.
pub struct Forms {
    nodes: Vec<Node>,
}

/// What comes next at some place of an event.
#[derive(Default)]
struct Node {
    /// These bytes, and then
    label: Vec<u8>,
    /// one of these nodes, by the first byte of its label, or
    then: Vec<(u8, usize)>,
    /// one of these blanks and what follows it, or
    blanks: Vec<(Shape, usize)>,
    /// the end of this form.
    form: Option<usize>,
}

impl Forms {
    pub fn new() -> Self {
        Forms { nodes: vec![Node::default()] }
    }

    /// Knows a form by its number from now on: what stands before the first blank, between any two, behind the last.
    pub fn learn(&mut self, print: &[&[u8]], blanks: &[Shape], form: usize) {
        let mut at = 0;
        for (place, bytes) in print.iter().enumerate() {
            at = self.follow(at, bytes);
            if let Some(shape) = blanks.get(place) {
                at = self.blank(at, *shape);
            }
        }
        self.nodes[at].form = Some(form);
    }

    /// The node behind these bytes after a node; made where it is not there.
    fn follow(&mut self, mut at: usize, mut bytes: &[u8]) -> usize {
        while let Some(first) = bytes.first() {
            let Some(&(_, next)) = self.nodes[at].then.iter().find(|(byte, _)| byte == first) else {
                let made = self.add(bytes.to_vec());
                self.nodes[at].then.push((*first, made));
                return made;
            };
            let label = &self.nodes[next].label;
            let common = label.iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count();
            if common < label.len() {
                self.split(next, common);
            }
            bytes = &bytes[common..];
            at = next;
        }
        at
    }

    /// Cuts a node's label in two: what came behind it comes behind its second half.
    fn split(&mut self, at: usize, length: usize) {
        let node = &mut self.nodes[at];
        let rest = node.label.split_off(length);
        let first = rest[0];
        let label = std::mem::take(&mut node.label);
        let whole = std::mem::replace(node, Node { label, ..Node::default() });
        self.nodes.push(Node { label: rest, ..whole });
        let made = self.nodes.len() - 1;
        self.nodes[at].then.push((first, made));
    }

    fn blank(&mut self, at: usize, shape: Shape) -> usize {
        if let Some(&(_, next)) = self.nodes[at].blanks.iter().find(|(known, _)| *known == shape) {
            return next;
        }
        let made = self.add(Vec::new());
        self.nodes[at].blanks.push((shape, made));
        made
    }

    fn add(&mut self, label: Vec<u8>) -> usize {
        self.nodes.push(Node { label, ..Node::default() });
        self.nodes.len() - 1
    }

    /// The form that an event fills in, and in `blanks`, which has to be empty, where its blanks are.
    pub fn find(&self, event: &[u8], blanks: &mut Vec<Span>) -> Option<usize> {
        self.walk(0, event, 0, blanks)
    }

    fn walk(&self, at: usize, event: &[u8], start: usize, blanks: &mut Vec<Span>) -> Option<usize> {
        let node = &self.nodes[at];
        let rest = event[start..].strip_prefix(node.label.as_slice())?;
        let here = event.len() - rest.len();
        let Some(next) = rest.first() else {
            return node.form;
        };
        if let Some(&(_, then)) = node.then.iter().find(|(byte, _)| byte == next)
            && let Some(form) = self.walk(then, event, here, blanks)
        {
            return Some(form);
        }
        // The same bytes may lead to a blank of one kind of event and to a fixed text, or another blank, of another.
        let before = blanks.len();
        for (shape, then) in &node.blanks {
            let end = here + shape.reach(rest);
            blanks.push((here, end));
            if let Some(form) = self.walk(*then, event, end, blanks) {
                return Some(form);
            }
            blanks.truncate(before);
        }
        None
    }
}
