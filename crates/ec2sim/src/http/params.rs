//! The parameters of a request: what a client wrote, taken apart strictly.
//!
//! Real EC2 refuses what it does not understand, and so does this: bad percent-encoding, a parameter given twice, a list
//! with an odd index, and in the end every parameter that nobody asked for. One that were silently left out would make
//! this EC2 do something else than it was told.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::call::ApiError;

/// Parameters in one request, at most. The largest that EC2 takes, 1,000 ids and 200 filter values, stays far below.
const PARAMETERS_MAX: usize = 10_000;
/// The highest place in a list.
const INDEX_MAX: u32 = 10_000;

/// Parameters by name, and where in the request they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params {
    path: String,
    values: BTreeMap<String, String>,
}

impl Params {
    /// Adds the parameters of a form or of a URL's query.
    pub(super) fn read(&mut self, form: &[u8]) -> Result<(), ApiError> {
        for pair in form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(place) => (&pair[..place], &pair[place + 1..]),
                None => (pair, &b""[..]),
            };
            let name = decode(name)?;
            if self.values.len() >= PARAMETERS_MAX {
                let message = format!("The request has more than {PARAMETERS_MAX} parameters.");
                return Err(ApiError::refused("MalformedQueryString", message));
            }
            if self.values.insert(name.clone(), decode(value)?).is_some() {
                let message = format!("The parameter {} is given twice", cut(&name));
                return Err(ApiError::refused("InvalidQueryParameter", message));
            }
        }
        Ok(())
    }

    fn name(&self, name: &str) -> String {
        let dot = if self.path.is_empty() || name.is_empty() { "" } else { "." };
        cut(&format!("{}{dot}{name}", self.path))
    }

    /// Takes a parameter.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// Takes a parameter that must be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, ApiError> {
        let missing = format!("The request must contain the parameter {}", self.name(name));
        self.text(name).ok_or_else(|| ApiError::refused("MissingParameter", missing))
    }

    /// Takes `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(self.bad(name, &text)),
        }
    }

    /// Takes a number.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.bad(name, &text))
    }

    /// Takes an id that must be there; one without the shape of its kind is `malformed`.
    pub(super) fn id<T: FromStr>(&mut self, name: &str, malformed: &str) -> Result<T, ApiError> {
        let text = self.required(name)?;
        text.parse().map_err(|_| ApiError::malformed(malformed, &text))
    }

    /// Takes what begins with `name.`, without it.
    pub(super) fn structure(&mut self, name: &str) -> Params {
        let start = format!("{name}.");
        let taken: Vec<String> = self.values.keys().filter(|key| key.starts_with(&start)).cloned().collect();
        let mut inner = Params { path: self.name(name), values: BTreeMap::new() };
        for key in taken {
            if let (Some(value), Some(rest)) = (self.values.remove(&key), key.strip_prefix(&start)) {
                inner.values.insert(rest.to_owned(), value);
            }
        }
        inner
    }

    /// Takes `name.1`, `name.2` …, in the order of their numbers, which may have gaps.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Params>, ApiError> {
        let all = self.structure(name);
        let mut items: BTreeMap<u32, Params> = BTreeMap::new();
        for (key, value) in all.values {
            let (index, rest) = key.split_once('.').map_or((key.as_str(), ""), |(index, rest)| (index, rest));
            let is_plain = index.len() <= 5 && !index.starts_with('0') && index.bytes().all(|b| b.is_ascii_digit());
            let number = index.parse().ok().filter(|n| is_plain && (1..=INDEX_MAX).contains(n));
            let Some(number) = number else {
                let message = format!("{} is not a place in the list {}", cut(index), all.path);
                return Err(ApiError::refused("InvalidQueryParameter", message));
            };
            let new = || Params { path: format!("{}.{index}", all.path), values: BTreeMap::new() };
            items.entry(number).or_insert_with(new).values.insert(rest.to_owned(), value);
        }
        Ok(items.into_values().collect())
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let text = |mut item: Params| {
            let text = item.required("")?;
            item.end().map(|()| text)
        };
        self.list(name)?.into_iter().map(text).collect()
    }

    /// Takes a list of ids.
    pub(super) fn ids<T: FromStr>(&mut self, name: &str, malformed: &str) -> Result<Vec<T>, ApiError> {
        let id = |text: String| text.parse().map_err(|_| ApiError::malformed(malformed, &text));
        self.texts(name)?.into_iter().map(id).collect()
    }

    /// Takes parameters that make no difference in this world, with all that is in them.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        let is_ignored = |key: &String| {
            let of = |name: &&str| key.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            names.iter().any(of)
        };
        self.values.retain(|key, _| !is_ignored(key));
    }

    /// Takes what belongs to the signature; it is not checked.
    pub(super) fn ignore_signature(&mut self) {
        const SIGNATURE: [&str; 7] = [
            "AWSAccessKeyId",
            "Expires",
            "SecurityToken",
            "Signature",
            "SignatureMethod",
            "SignatureVersion",
            "Timestamp",
        ];
        self.values.retain(|key, _| !key.starts_with("X-Amz-") && !SIGNATURE.contains(&key.as_str()));
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), ApiError> {
        let Some(left) = self.values.keys().next() else { return Ok(()) };
        let message = format!("The parameter {} is not known to the embedded EC2", self.name(left));
        Err(ApiError::refused("UnknownParameter", message))
    }

    /// The answer to a value that a parameter cannot have.
    pub(super) fn bad(&self, name: &str, value: &str) -> ApiError {
        ApiError::bad_value(format!("Value ({}) for parameter {} is invalid.", cut(value), self.name(name)))
    }
}

/// Text that may be long, for a message.
fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Undoes percent-encoding. What XML 1.0 cannot carry is refused here, so that it need never be written back.
fn decode(text: &[u8]) -> Result<String, ApiError> {
    let malformed = || ApiError::refused("MalformedQueryString", "The query string contains a syntax error.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = (digit().ok_or_else(malformed)?, digit().ok_or_else(malformed)?);
                u8::try_from(high * 16 + low).map_err(|_| malformed())?
            }
            plain => *plain,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    if text.chars().all(super::xml::can_carry) {
        return Ok(text);
    }
    Err(ApiError::refused("InvalidCharacter", "A specified character is not valid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Params, ApiError> {
        let mut params = Params::default();
        params.read(form.as_bytes())?;
        Ok(params)
    }

    fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        result.unwrap_err().code().unwrap().to_owned()
    }

    #[test]
    fn text_comes_back_as_it_was() {
        let mut params = read("A=a+b%20c&B=%E2%82%AC%26%3d&C&=x").unwrap();
        assert_eq!(params.text("A").as_deref(), Some("a b c"));
        assert_eq!(params.text("B").as_deref(), Some("€&="));
        assert_eq!(params.text("C").as_deref(), Some(""));
        assert_eq!(code(params.end()), "UnknownParameter");
    }

    #[test]
    fn broken_forms_are_refused() {
        for form in ["A=%", "A=%4", "A=%zz", "A=%-1", "A=%c3", "%=A", "A=%ff%fe"] {
            assert_eq!(code(read(form)), "MalformedQueryString", "{form}");
        }
        assert_eq!(code(read("A=1&A=1")), "InvalidQueryParameter");
        assert_eq!(code(read("A=%00")), "InvalidCharacter");
        assert_eq!(code(read("A=%1B[2J")), "InvalidCharacter");
        assert_eq!(
            code(read(&(0..=PARAMETERS_MAX).map(|n| format!("A{n}=&")).collect::<String>())),
            "MalformedQueryString"
        );
    }

    #[test]
    fn a_list_has_the_order_of_its_numbers() {
        let mut params = read("Id.10=c&Id.2=b&Id.1=a").unwrap();
        assert_eq!(params.texts("Id").unwrap(), ["a", "b", "c"]);
        params.end().unwrap();
    }

    #[test]
    fn odd_places_in_a_list_are_refused() {
        for form in ["Id.0=a", "Id.-1=a", "Id.01=a", "Id.x=a", "Id.=a", "Id.99999999999999999999=a", "Id.10001=a"] {
            assert_eq!(code(read(form).unwrap().texts("Id")), "InvalidQueryParameter", "{form}");
        }
        assert_eq!(code(read("Id.1.Name=a").unwrap().texts("Id")), "MissingParameter");
        assert_eq!(code(read("Id.1=a&Id.1.Name=a").unwrap().texts("Id")), "UnknownParameter");
    }

    #[test]
    fn a_structure_in_a_list_is_named_whole_in_messages() {
        let mut items = read("Tag.1.Key=k&Tag.1.Colour=red").unwrap().list("Tag").unwrap();
        let mut item = items.remove(0);
        item.text("Key").unwrap();
        assert!(item.end().unwrap_err().to_string().contains("Tag.1.Colour"));
    }
}
