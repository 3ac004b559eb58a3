//! YAML 1.2 with the line of every key. The parser hands out events; aliases, depth and the number of values are limited here, because
//! ten lines of aliases can stand for more values than a machine has memory.

use super::{MAX_DEPTH, MAX_VALUES, Member, Node, Unreadable, Value, text_of, unique};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;

/// Parse a file of one document; of several the first counts.
pub(in crate::gather::repository) fn parse(bytes: &[u8]) -> Result<Node, Unreadable> {
    let none = || Unreadable { line: None, why: "it holds nothing".to_owned() };
    parse_all(bytes)?.into_iter().next().ok_or_else(none)
}

/// Parse every document of a file.
pub(in crate::gather::repository) fn parse_all(bytes: &[u8]) -> Result<Vec<Node>, Unreadable> {
    let text = text_of(bytes)?;
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| Unreadable { line: u32::try_from(error.marker().line()).ok(), why: error.info().to_owned() })?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

/// Values that are open.
enum Open {
    Sequence { line: u32, anchor: usize, items: Vec<Node> },
    Mapping { line: u32, anchor: usize, members: Vec<Member>, key: Option<(String, u32)> },
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, u32)>,
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
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
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
                Some((key, line)) => members.push(Member { key, line, value: node }),
                None => *key = Some((key_of(&node), node.line)),
            },
        }
        // An alias adds its own depth below where it stands.
        Ok(())
    }
}

/// Values in a node, itself included, and how deep they are nested.
fn measure(node: &Node) -> (u32, usize) {
    let below: Vec<(u32, usize)> = match &node.value {
        Value::Object(members) => members.iter().map(|member| measure(&member.value)).collect(),
        Value::Array(items) => items.iter().map(measure).collect(),
        _ => return (1, 0),
    };
    let size = below.iter().fold(1_u32, |sum, (size, _)| sum.saturating_add(*size));
    (size, 1 + below.iter().map(|(_, depth)| *depth).max().unwrap_or(0))
}

fn scalar(text: &str, style: ScalarStyle, line: u32) -> Node {
    let value = match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        (ScalarStyle::Plain, "true" | "True" | "TRUE") => Value::Bool(true),
        (ScalarStyle::Plain, "false" | "False" | "FALSE") => Value::Bool(false),
        _ => Value::Text(text.to_owned()),
    };
    Node { line, value }
}

fn key_of(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::Number(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => node.compact(),
    }
}

/// A mapping with its merge keys (`<<`) resolved: what stands in it goes before what it merges.
fn merged(members: Vec<Member>) -> Result<Vec<Member>, Unreadable> {
    unique(&members)?;
    let Some(at) = members.iter().position(|member| member.key == "<<") else { return Ok(members) };
    let mut own = members;
    let merge = own.remove(at);
    let sources = match merge.value.value {
        Value::Array(items) => items,
        _ => vec![merge.value],
    };
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
        assert_eq!(steps[0].get("run").unwrap(), &Node { line: 7, value: Value::Text("npm ci\nnpx x\n".to_owned()) });
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
