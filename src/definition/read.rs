//! Tables of a definition file as our types, by their derived `Deserialize`; every error knows its
//! place and the nearest valid name.
//!
//! A value that may be written in several ways is an enum whose variants are called by the kind of value
//! that they take (`text`, `number`, `list`, `table`) and which itself is called by what is expected.

use crate::condition::suggest_nearest;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

/// What cannot be read, and which bytes of the file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadError {
    pub message: String,
    pub hint: Option<String>,
    /// Unknown until the error has passed the value that it is about.
    pub span: Option<Range<usize>>,
}

/// Reads a value as whatever derives `Deserialize`.
pub(super) fn read<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<T, ReadError> {
    T::deserialize(Reader::of(value))
}

impl ReadError {
    fn new(message: String) -> ReadError {
        ReadError { message, hint: None, span: None }
    }

    /// The innermost place stays.
    fn at(mut self, span: &Range<usize>) -> ReadError {
        self.span.get_or_insert_with(|| span.clone());
        self
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        ReadError::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> ReadError {
        let error =
            ReadError::new(format!("expected {}, found {}", in_plain_words(wanted), found_in_words(found)));
        match found {
            Unexpected::Other(DATE) => {
                ReadError { hint: Some("put dates and times in quotes".to_owned()), ..error }
            }
            _ => error,
        }
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> ReadError {
        ReadError::invalid_type(found, wanted)
    }

    fn unknown_field(key: &str, keys: &'static [&'static str]) -> ReadError {
        unknown("key", key, keys)
    }

    fn unknown_variant(name: &str, names: &'static [&'static str]) -> ReadError {
        unknown("value", name, names)
    }

    fn missing_field(key: &'static str) -> ReadError {
        ReadError::new(format!("the key `{key}` is missing"))
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> ReadError {
    let hint = match suggest_nearest(name, known.iter().copied(), 1).first() {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the {what}s here are {}", known.join(", ")),
    };
    ReadError { hint: Some(hint), ..ReadError::new(format!("unknown {what} `{name}`")) }
}

const DATE: &str = "a date or time";

fn in_plain_words(wanted: &dyn Expected) -> String {
    let wanted = wanted.to_string();
    match wanted.as_str() {
        "a string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        of_ours if of_ours.starts_with("struct ") => "a table".to_owned(),
        _ => wanted,
    }
}

fn found_in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// One value, with its place.
struct Reader<'a> {
    value: &'a DeValue<'a>,
    span: Range<usize>,
}

impl<'a> Reader<'a> {
    fn of(value: &'a Spanned<DeValue<'_>>) -> Reader<'a> {
        Reader { value: value.get_ref(), span: value.span() }
    }

    /// What the variant is called that takes this value.
    fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "number",
            DeValue::Array(_) => "list",
            DeValue::Table(_) => "table",
            DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => "",
        }
    }

    fn unexpected(&self) -> Unexpected<'a> {
        match self.value {
            DeValue::String(text) => Unexpected::Str(text),
            DeValue::Integer(number) => match whole(number) {
                Some(number) => Unexpected::Signed(number),
                None => Unexpected::Other("a number out of range"),
            },
            DeValue::Float(number) => Unexpected::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Unexpected::Bool(*value),
            DeValue::Datetime(_) => Unexpected::Other(DATE),
            DeValue::Array(_) => Unexpected::Seq,
            DeValue::Table(_) => Unexpected::Map,
        }
    }
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.value {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => match whole(number) {
                Some(number) => visitor.visit_i64(number),
                None => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            },
            DeValue::Float(number) => visitor.visit_f64(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Datetime(_) => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            DeValue::Array(list) => visitor.visit_seq(Elements(list.iter())),
            DeValue::Table(table) => visitor.visit_map(Entries { entries: table.iter(), value: None }),
        };
        read.map_err(|error| error.at(&self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        wanted: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let span = self.span.clone();
        let by_kind = variants.iter().any(|variant| ["text", "number", "list", "table"].contains(variant));
        let read = match self.value {
            _ if variants.contains(&self.kind()) => visitor.visit_enum(ByKind(self)),
            DeValue::String(text) if !by_kind => {
                visitor.visit_enum(IntoDeserializer::<ReadError>::into_deserializer(text.as_ref()))
            }
            _ => Err(de::Error::invalid_type(self.unexpected(), &wanted)),
        };
        read.map_err(|error| error.at(&span))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Elements<'a>(std::slice::Iter<'a, Spanned<DeValue<'a>>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.0.next().map(|value| placed(value, seed)).transpose()
    }
}

/// Reads a value; an error that is raised when all of it was read is its own too.
fn placed<'de, T: DeserializeSeed<'de>>(
    value: &Spanned<DeValue<'_>>,
    seed: T,
) -> Result<T::Value, ReadError> {
    seed.deserialize(Reader::of(value)).map_err(|error| error.at(&value.span()))
}

struct Entries<'a, I> {
    entries: I,
    value: Option<&'a Spanned<DeValue<'a>>>,
}

impl<'de, 'a, I> MapAccess<'de> for Entries<'a, I>
where
    I: Iterator<Item = (&'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>)>,
{
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let name: StrDeserializer<'_, ReadError> = key.get_ref().as_ref().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(&key.span()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = self.value.take().ok_or_else(|| ReadError::new("a value without a key".to_owned()))?;
        placed(value, seed)
    }
}

/// A value as the variant of its kind.
struct ByKind<'a>(Reader<'a>);

impl<'de, 'a> EnumAccess<'de> for ByKind<'a> {
    type Error = ReadError;
    type Variant = Reader<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'a>), ReadError> {
        let name: StrDeserializer<'_, ReadError> = self.0.kind().into_deserializer();
        Ok((seed.deserialize(name)?, self.0))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let span = self.span.clone();
        seed.deserialize(self).map_err(|error| error.at(&span))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }
}
