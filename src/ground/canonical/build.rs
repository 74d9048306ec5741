//! Builds a value from serde_json's events and refuses what only decoded strings show: duplicate names, noncharacters.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::ReadErrorKind;

/// Counts the strings that it has seen, because serde_json does not tell visitors where they are: the ordinal of the
/// string that was refused leads back to its place.
#[derive(Default)]
pub(super) struct Builder {
    strings: usize,
    refusal: Option<(ReadErrorKind, usize)>,
}

impl Builder {
    /// Why the builder itself stopped, and the ordinal (from 0) of the string at which it did.
    pub(super) fn into_refusal(self) -> Option<(ReadErrorKind, usize)> {
        self.refusal
    }

    /// The error only stops serde_json; what is wrong stays in the builder.
    fn refuse<E: Error>(&mut self, kind: ReadErrorKind) -> E {
        self.refusal = Some((kind, self.strings.saturating_sub(1)));
        E::custom("refused")
    }

    fn admit<E: Error>(&mut self, text: String) -> Result<String, E> {
        self.strings += 1;
        match text.chars().map(u32::from).find(|code| is_noncharacter(*code)) {
            Some(code) => Err(self.refuse(ReadErrorKind::Noncharacter(code))),
            None => Ok(text),
        }
    }
}

/// U+FDD0 to U+FDEF and the last two code points of every plane (Unicode 16.0, section 23.7).
fn is_noncharacter(code: u32) -> bool {
    matches!(code, 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}

impl<'de> DeserializeSeed<'de> for &mut Builder {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.admit(value.to_owned()).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(&mut *self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let name = self.admit(name)?;
            if object.contains_key(&name) {
                return Err(self.refuse(ReadErrorKind::DuplicateKey(name)));
            }
            let value = members.next_value_seed(&mut *self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
