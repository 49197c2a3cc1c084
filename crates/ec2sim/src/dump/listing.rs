//! One file of a dump, record by record.
//!
//! A file may have a hundred megabytes, so it is never held whole: each record is made compact and dropped before the
//! next is read. What was complete before the file broke off is kept, apart from the claim that it is all.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::marker::PhantomData;
use std::path::Path;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use snapwarden_core::inventory::Read;
use snapwarden_core::printable::{printable, quoted};

use super::Trouble;
use super::records::Record;

/// Records of one file that are named when left out; the others are counted.
const NAMED_MAX: usize = 50;

/// What is wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("no such file")]
    Missing,
    #[error("it is not a file")]
    NotAFile,
    #[error("it cannot be read: {0}")]
    Io(String),
    #[error("the file is empty")]
    Empty,
    #[error("the file breaks off ({0})")]
    BreaksOff(String),
    #[error("it is not JSON ({0})")]
    NotJson(String),
    #[error("it is not what the command prints ({0})")]
    Odd(String),
    #[error("it holds {found} where \"{expected}\" is expected")]
    OtherCommand { found: String, expected: &'static str },
    #[error("the dump ends early: it was made with --max-items; leave that option out")]
    EndsEarly,
}

impl Broken {
    /// What is wrong and what to do.
    pub(super) fn sentence(&self, command: &str) -> String {
        match self {
            Broken::EndsEarly => self.to_string(),
            Broken::Io(_) => format!("{self}; make it readable for yourself, or make it again with `{command}`"),
            Broken::Missing
            | Broken::NotAFile
            | Broken::Empty
            | Broken::BreaksOff(_)
            | Broken::NotJson(_)
            | Broken::Odd(_)
            | Broken::OtherCommand { .. } => format!("{self}; make it with `{command}`"),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Broken::Missing } else { Broken::Io(error.to_string()) }
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        let text = printable(&error.to_string(), 160);
        match error.classify() {
            Category::Io => Broken::Io(text),
            Category::Eof => Broken::BreaksOff(text),
            Category::Syntax => Broken::NotJson(text),
            Category::Data => Broken::Odd(text),
        }
    }
}

/// A file as UTF-8, whatever its byte-order mark says that it is: PowerShell's `>` writes UTF-16.
pub(super) type Text = BufReader<DecodeReaderBytes<BufReader<File>, Vec<u8>>>;

/// Opens a file and looks at how it begins.
pub(super) fn open(path: &Path) -> Result<Text, Broken> {
    // Before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Broken::NotAFile);
    }
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    if reader.fill_buf()?.trim_ascii().is_empty() {
        return Err(Broken::Empty);
    }
    // What has no mark goes through as it is: of broken UTF-8 nothing is guessed.
    let text = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).bom_override(true).build(reader);
    Ok(BufReader::with_capacity(1 << 16, text))
}

/// Reads one listing; what is wrong with it goes into `troubles`, with the `command` that makes it.
pub(super) fn read<T: Record>(dir: &Path, file: &str, command: &str, troubles: &mut Vec<Trouble>) -> Read<T> {
    let mut listing = Listing::default();
    let broken = open(&dir.join(file)).and_then(|reader| parse(reader, &mut listing)).err();
    let Listing { items, left_out, left_out_count, passed_over, .. } = listing;
    troubles.extend(left_out.into_iter().map(|(id, text)| Trouble::new(file, id.as_deref(), &text)));
    if left_out_count > NAMED_MAX {
        let text = format!("{} more records left out or listed twice", left_out_count - NAMED_MAX);
        troubles.push(Trouble::new(file, None, &text));
    }
    if let Some(broken) = broken {
        let trouble = Trouble::new(file, None, &broken.sentence(command));
        let why = trouble.to_string();
        troubles.push(trouble);
        Read::Gap { seen: items, why }
    } else if left_out_count > passed_over {
        Read::Gap {
            seen: items,
            why: format!("{file}: records left out or listed twice: {}", left_out_count - passed_over),
        }
    } else {
        Read::Whole(items)
    }
}

fn parse<T: Record>(reader: Text, listing: &mut Listing<T>) -> Result<(), Broken> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    let top = Top(listing).deserialize(&mut json)?;
    json.end()?;
    if !top.listed {
        let found = top.other.map_or_else(|| "nothing".to_owned(), |key| quoted(&key));
        return Err(Broken::OtherCommand { found, expected: T::KEY });
    }
    if top.goes_on { Err(Broken::EndsEarly) } else { Ok(()) }
}

/// The records of one file: those that were read, and those that were not.
pub(super) struct Listing<T> {
    items: Vec<T>,
    ids: HashSet<Box<str>>,
    left_out: Vec<(Option<String>, String)>,
    left_out_count: usize,
    /// Those of them that are nothing to us: without them the listing is whole.
    passed_over: usize,
    count: usize,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            ids: HashSet::new(),
            left_out: Vec::new(),
            left_out_count: 0,
            passed_over: 0,
            count: 0,
        }
    }
}

impl<T> Listing<T> {
    /// Takes a record, or why there is none. `id` is as the file has it.
    pub(super) fn add(&mut self, id: &Value, record: Result<T, String>) {
        self.count += 1;
        match (record, id.as_str()) {
            (Ok(record), Some(id)) if self.ids.insert(id.into()) => self.items.push(record),
            (Ok(_), id) => self.leave_out(id, "it is listed twice; the first one counts"),
            (Err(why), Some(id)) => self.leave_out(Some(id), &format!("{why}; left out")),
            (Err(why), None) => self.leave_out(None, &format!("record {}: {why}; left out", self.count)),
        }
    }

    /// Leaves out a record that is nothing to us, for what is wrong with it.
    pub(super) fn pass_over(&mut self, id: &Value, why: &str) {
        self.add(id, Err(format!("not Snapwarden's, {why}")));
        self.passed_over += 1;
    }

    fn leave_out(&mut self, id: Option<&str>, text: &str) {
        self.left_out_count += 1;
        if self.left_out.len() < NAMED_MAX {
            self.left_out.push((id.map(|id| printable(id, 80)), text.to_owned()));
        }
    }
}

/// The object that a command prints: `{"Snapshots": [ … ]}`.
struct Top<'a, T>(&'a mut Listing<T>);

/// What was in it besides records.
#[derive(Default)]
struct Seen {
    listed: bool,
    goes_on: bool,
    other: Option<String>,
}

impl<'de, T: Record> DeserializeSeed<'de> for Top<'_, T> {
    type Value = Seen;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Seen, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, T: Record> Visitor<'de> for Top<'_, T> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with \"{}\"", T::KEY)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == T::KEY {
                if seen.listed {
                    return Err(A::Error::custom(format!("\"{key}\" is there twice")));
                }
                map.next_value_seed(List(&mut *self.0, PhantomData))?;
                seen.listed = true;
            } else if key == "NextToken" {
                let token: Value = map.next_value()?;
                seen.goes_on |= !token.is_null() && token.as_str() != Some("");
            } else {
                map.next_value::<IgnoredAny>()?;
                seen.other.get_or_insert(key);
            }
        }
        Ok(seen)
    }
}

/// What is an object, read as an `R`. A struct by itself is read from a list too, its fields by their places.
pub(super) struct Object<R>(pub(super) R);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Object<R> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(Fields(PhantomData))
    }
}

struct Fields<R>(PhantomData<R>);

impl<'de, R: Deserialize<'de>> Visitor<'de> for Fields<R> {
    type Value = Object<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<R>, A::Error> {
        R::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// An element of a listing: one that is no record costs itself and not those behind it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element<R> {
    Record(Object<R>),
    Other(IgnoredAny),
}

/// The array of records.
struct List<'a, T>(&'a mut Listing<T>, PhantomData<T>);

impl<'de, T: Record> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, T: Record> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Element<T::Raw>>()? {
            match element {
                Element::Record(Object(raw)) => T::read(raw, self.0),
                Element::Other(_) => self.0.add(&Value::Null, Err("not an object".to_owned())),
            }
        }
        Ok(())
    }
}
