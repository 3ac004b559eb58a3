//! YAML 1.2 with the line of every key. The parser hands out events; aliases, depth and the number of values are limited here, because
//! ten lines of aliases can stand for more values than a machine has memory.

use super::{MAX_DEPTH, MAX_VALUES, Member, Node, Unreadable, Value, text_of, unique};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::borrow::Cow;
use std::collections::HashMap;

/// Parse a file of one document; of several the first counts.
pub(in crate::gather::repository) fn parse(bytes: &[u8]) -> Result<Node<'static>, Unreadable> {
    let none = || Unreadable { line: None, why: "it holds nothing".to_owned() };
    parse_all(bytes)?.into_iter().next().ok_or_else(none)
}

/// Parse every document of a file.
///
/// YAML 1.2 wants the lines of `[...]` and `{...}` indented more than the key they belong to; libyaml and what is built on it do not ask
/// for it, and many workflows close such a list where its key begins. A line that the parser refuses for that alone is pushed in and the
/// file is read again, which changes neither values nor the numbers of lines.
pub(in crate::gather::repository) fn parse_all(bytes: &[u8]) -> Result<Vec<Node<'static>>, Unreadable> {
    let mut text = Cow::Borrowed(text_of(bytes)?);
    let mut budget = MAX_READ_AGAIN;
    loop {
        let (line, why) = match read(&text) {
            Ok(documents) => return Ok(documents),
            Err(Refused::Here(error)) => return Err(error),
            Err(Refused::Parser { line, why }) => (line, why),
        };
        let refused = || Unreadable { line: u32::try_from(line).ok(), why: why.clone() };
        let start = line_start(&text, line).filter(|_| OF_FLOW.contains(&why.as_str())).ok_or_else(refused)?;
        budget = budget.checked_sub(text.len()).ok_or_else(refused)?;
        text.to_mut().insert_str(start, PUSH);
    }
}

/// What the parser says of a line in `[...]` or `{...}` that is not indented enough.
const OF_FLOW: [&str; 2] = ["invalid indentation", "invalid indentation in flow construct"];
/// Bytes that are read again for such lines, in all.
const MAX_READ_AGAIN: usize = 8 << 20;
/// More than people indent.
const PUSH: &str = "                                                                ";

/// Why a text was not read.
enum Refused {
    Parser { line: usize, why: String },
    Here(Unreadable),
}

fn read(text: &str) -> Result<Vec<Node<'static>>, Refused> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Refused::Parser { line: error.marker().line(), why: error.info().to_owned() })?;
        builder.take(event, span).map_err(Refused::Here)?;
    }
    Ok(builder.documents)
}

/// Where a line begins, from 1.
fn line_start(text: &str, line: usize) -> Option<usize> {
    match line.checked_sub(2) {
        None => Some(0),
        Some(before) => memchr::memchr_iter(b'\n', text.as_bytes()).nth(before).map(|at| at + 1),
    }
}

/// Values that are open.
enum Open {
    Sequence { line: u32, anchor: usize, items: Vec<Node<'static>> },
    Mapping { line: u32, anchor: usize, members: Vec<Member<'static>>, key: Option<(String, u32)> },
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node<'static>>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node<'static>, u32)>,
    values: u32,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let too_deep = || Unreadable { line: Some(line), why: format!("it is nested more than {MAX_DEPTH} levels deep") };
        match event {
            Event::SequenceStart(anchor, _) => self.open.push(Open::Sequence { line, anchor, items: Vec::new() }),
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::Mapping { line, anchor, members: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, anchor) = match self.open.pop() {
                    Some(Open::Sequence { line, anchor, items }) => (Node { line, value: Value::Array(items) }, anchor),
                    Some(Open::Mapping { line, anchor, members, .. }) => {
                        (Node { line, value: Value::Object(merged(members)?) }, anchor)
                    }
                    None => return Ok(()),
                };
                self.add(node, anchor)?;
            }
            Event::Scalar(text, style, anchor, _) => self.add(scalar(&text, style, line), anchor)?,
            Event::Alias(anchor) => {
                let (node, size) = self.anchors.get(&anchor).cloned().ok_or_else(|| Unreadable {
                    line: Some(line),
                    why: "an alias stands for nothing that is whole before it".to_owned(),
                })?;
                self.count(size, line)?;
                self.add(node, 0)?;
            }
            Event::DocumentStart(_) => self.anchors.clear(),
            _ => {}
        }
        if self.open.len() > MAX_DEPTH { Err(too_deep()) } else { Ok(()) }
    }

    fn count(&mut self, more: u32, line: u32) -> Result<(), Unreadable> {
        self.values = self.values.saturating_add(more);
        if self.values > MAX_VALUES {
            return Err(Unreadable { line: Some(line), why: format!("more than {MAX_VALUES} values, aliases counted") });
        }
        Ok(())
    }

    /// Put a whole value where it belongs.
    fn add(&mut self, node: Node<'static>, anchor: usize) -> Result<(), Unreadable> {
        self.count(1, node.line)?;
        if anchor > 0 {
            let (size, depth) = measure(&node);
            self.count(size, node.line)?;
            if depth + self.open.len() > MAX_DEPTH {
                return Err(Unreadable { line: Some(node.line), why: format!("it is nested more than {MAX_DEPTH} levels deep") });
            }
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { members, key, .. }) => match key.take() {
                Some((key, line)) => members.push(Member { key: key.into(), line, value: node }),
                None => *key = Some((key_of(&node), node.line)),
            },
        }
        // An alias adds its own depth below where it stands.
        Ok(())
    }
}

/// Values in a node, itself included, and how deep they are nested.
fn measure(node: &Node<'_>) -> (u32, usize) {
    let below: Vec<(u32, usize)> = match &node.value {
        Value::Object(members) => members.iter().map(|member| measure(&member.value)).collect(),
        Value::Array(items) => items.iter().map(measure).collect(),
        _ => return (1, 0),
    };
    let size = below.iter().fold(1_u32, |sum, (size, _)| sum.saturating_add(*size));
    (size, 1 + below.iter().map(|(_, depth)| *depth).max().unwrap_or(0))
}

fn scalar(text: &str, style: ScalarStyle, line: u32) -> Node<'static> {
    let value = match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        (ScalarStyle::Plain, "true" | "True" | "TRUE") => Value::Bool(true),
        (ScalarStyle::Plain, "false" | "False" | "FALSE") => Value::Bool(false),
        _ => Value::Text(text.to_owned().into()),
    };
    Node { line, value }
}

fn key_of(node: &Node<'_>) -> String {
    match &node.value {
        Value::Text(text) | Value::Number(text) => text.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => node.compact(),
    }
}

/// A mapping with its merge keys (`<<`) resolved: what stands in it goes before what it merges.
fn merged(members: Vec<Member<'static>>) -> Result<Vec<Member<'static>>, Unreadable> {
    // Pipelines merge twice in one mapping, which their readers allow: each merge is one more.
    let (merges, mut own): (Vec<Member<'static>>, Vec<Member<'static>>) =
        members.into_iter().partition(|member| member.key == "<<");
    unique(&own)?;
    let mut sources = Vec::new();
    for merge in merges {
        match merge.value.value {
            Value::Array(items) => sources.extend(items),
            _ => sources.push(merge.value),
        }
    }
    for member in sources.iter().flat_map(Node::members) {
        if !own.iter().any(|known| known.key == member.key) {
            own.push(member.clone());
        }
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_know_their_lines_and_blocks_where_their_text_begins() {
        let text = b"# first\non: push\njobs:\n  a:\n    steps:\n      - run: |\n          npm ci\n          npx x\n      - uses: 'a/b@v1'\n    v: 1.10\n    n: ~\n";
        let node = parse(text).unwrap();
        let job = node.at(&["jobs", "a"]).unwrap();
        let steps = job.get("steps").unwrap().items();
        assert_eq!(steps[0].get("run").unwrap(), &Node { line: 7, value: Value::Text("npm ci\nnpx x\n".into()) });
        assert_eq!(steps[1].member("uses").unwrap().line, 9);
        assert_eq!(job.get("v").unwrap().text(), Some("1.10"));
        assert_eq!(job.get("n").unwrap().value, Value::Null);
        assert_eq!(node.member("on").unwrap().line, 2);
    }

    #[test]
    fn aliases_and_merge_keys_stand_for_what_they_name() {
        let node = parse(b"a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\n").unwrap();
        assert_eq!(node.at(&["b", "x"]).unwrap().text(), Some("1"));
        assert_eq!(node.at(&["c", "x"]).unwrap().text(), Some("1"));
        assert_eq!(node.at(&["c", "y"]).unwrap().text(), Some("3"));
        assert_eq!(parse_all(b"a: 1\n---\nb: 2\n").unwrap().len(), 2);
    }

    #[test]
    fn lists_may_close_where_their_key_begins() {
        let text = b"on:\n  push:\n    branches: [\n      main,\n    dev\n    ]\n    tags: {\n    a: 1\n  }\n  x: 2\n";
        let node = parse(text).unwrap();
        let push = node.at(&["on", "push"]).unwrap();
        assert_eq!(
            push.get("branches").unwrap().items().iter().map(|i| (i.text(), i.line)).collect::<Vec<_>>(),
            [(Some("main"), 4), (Some("dev"), 5)]
        );
        assert_eq!(push.at(&["tags", "a"]).unwrap().text(), Some("1"));
        assert_eq!(node.at(&["on", "x"]).unwrap().line, 10);
        assert!(parse(b"a:\n  b: 1\n c: 2\n").is_err(), "what is no list stays refused");
        // An end to it, however many such lines there are.
        let many = format!("a:\n  b: [\n{}  ]\n", "x,\n".repeat(100_000));
        assert!(parse(many.as_bytes()).is_err());
    }

    #[test]
    fn a_mapping_may_merge_twice() {
        let node = parse(b"a: &a {x: 1}\nb: &b {y: 2, x: 3}\nc:\n  <<: *a\n  <<: *b\n").unwrap();
        assert_eq!((node.at(&["c", "x"]).unwrap().text(), node.at(&["c", "y"]).unwrap().text()), (Some("1"), Some("2")));
    }

    #[test]
    fn bombs_and_ambiguity_are_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{},", level - 1).repeat(10);
            bomb = [bomb, format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(','))].concat();
        }
        assert!(parse(bomb.as_bytes()).unwrap_err().why.contains("aliases counted"));
        assert!(parse(format!("{}x", "[".repeat(5_000)).as_bytes()).is_err());
        let error = parse(b"a: 1\na: 2\n").unwrap_err();
        assert_eq!((error.line, error.why.as_str()), (Some(2), "the key `a` stands twice in one object"));
        assert!(parse(b"a: [1\n").is_err());
        assert!(parse(b"").is_err());
        assert!(parse(b"a: *b\n").is_err());
    }
}
