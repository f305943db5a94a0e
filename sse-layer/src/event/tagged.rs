//! An enum as an event: the variant is the name, its payload the data.
//!
//! A serde `Serializer` that takes exactly one enum variant, writes its name (serde's renames are
//! applied by then) as `event:` and hands the payload on to serde_json.

use std::fmt::{self, Display};

use serde::{
    Serialize,
    ser::{self, Impossible},
};

use super::{Encoder, EventData};
use crate::error::EncodeError;

/// An enum whose variant names the event and whose payload is its data.
///
/// [`Event::tagged`](crate::Event::tagged) makes an event of it. The enum is one that serde tags
/// externally, as it does by default: an internally or adjacently tagged or untagged one does not
/// tell its variant's name and is refused with an error that says so. A variant without a payload
/// sends `data: null`.
///
/// ```
/// use serde::Serialize;
/// use sse_layer::Event;
///
/// #[derive(Serialize)]
/// #[serde(rename_all = "kebab-case")]
/// enum Order {
///     Created { total: u32 },
///     OutForDelivery,
/// }
///
/// let created = Event::tagged(Order::Created { total: 12 }).to_frame()?;
/// assert_eq!(created.as_bytes(), b"event: created\ndata: {\"total\":12}\n\n");
///
/// let out = Event::tagged(Order::OutForDelivery).to_frame()?;
/// assert_eq!(out.as_bytes(), b"event: out-for-delivery\ndata: null\n\n");
/// # Ok::<(), sse_layer::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tagged<T>(pub T);

impl<T> From<T> for Tagged<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> EventData for Tagged<T>
where
    T: Serialize,
{
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let mut json = None;
        let mut start = 0;
        self.0
            .serialize(VariantSerializer {
                encoder: &mut *encoder,
                json: &mut json,
                start: &mut start,
            })
            .map_err(|error| error.0)?;
        encoder.close_json(start);
        Ok(())
    }
}

type JsonSerializer<'e> = serde_json::Serializer<&'e mut Vec<u8>>;
type JsonTuple<'s, 'e> = <&'s mut JsonSerializer<'e> as ser::Serializer>::SerializeTuple;
type JsonStruct<'s, 'e> = <&'s mut JsonSerializer<'e> as ser::Serializer>::SerializeStruct;

/// Takes one enum variant; the slots outlive it, since serde wants it by value.
struct VariantSerializer<'s, 'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    json: &'s mut Option<JsonSerializer<'e>>,
    start: &'s mut usize,
}

impl<'s, 'e> VariantSerializer<'s, 'e, '_> {
    fn begin(self, variant: &str) -> Result<&'s mut JsonSerializer<'e>, TaggedError> {
        self.encoder.name(variant).map_err(EncodeError::from)?;
        let (out, start) = self.encoder.open_json();
        *self.start = start;
        Ok(self.json.insert(serde_json::Serializer::new(out)))
    }
}

/// serde's own error type for this serializer.
#[derive(Debug)]
struct TaggedError(EncodeError);

impl Display for TaggedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TaggedError {}

impl ser::Error for TaggedError {
    fn custom<T: Display>(message: T) -> Self {
        Self(<serde_json::Error as ser::Error>::custom(message).into())
    }
}

impl From<EncodeError> for TaggedError {
    fn from(error: EncodeError) -> Self {
        Self(error)
    }
}

impl From<serde_json::Error> for TaggedError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.into())
    }
}

fn not_a_variant<T>(what: &str) -> Result<T, TaggedError> {
    Err(ser::Error::custom(format_args!(
        "a tagged event must be an enum with serde's default (external) tagging, but this is {what}"
    )))
}

macro_rules! refuse {
    ($($method:ident($($value:ty)?) $what:literal;)*) => {$(
        fn $method(self $(, _: $value)?) -> Result<Self::Ok, Self::Error> {
            not_a_variant($what)
        }
    )*};
}

impl<'s, 'e> ser::Serializer for VariantSerializer<'s, 'e, '_> {
    type Ok = ();
    type Error = TaggedError;
    type SerializeSeq = Impossible<(), TaggedError>;
    type SerializeTuple = Impossible<(), TaggedError>;
    type SerializeTupleStruct = Impossible<(), TaggedError>;
    type SerializeTupleVariant = Payload<JsonTuple<'s, 'e>>;
    type SerializeMap = Impossible<(), TaggedError>;
    type SerializeStruct = Impossible<(), TaggedError>;
    type SerializeStructVariant = Payload<JsonStruct<'s, 'e>>;

    refuse! {
        serialize_bool(bool) "a boolean";
        serialize_i8(i8) "a number";
        serialize_i16(i16) "a number";
        serialize_i32(i32) "a number";
        serialize_i64(i64) "a number";
        serialize_i128(i128) "a number";
        serialize_u8(u8) "a number";
        serialize_u16(u16) "a number";
        serialize_u32(u32) "a number";
        serialize_u64(u64) "a number";
        serialize_u128(u128) "a number";
        serialize_f32(f32) "a number";
        serialize_f64(f64) "a number";
        serialize_char(char) "a character";
        serialize_str(&str) "a string";
        serialize_bytes(&[u8]) "bytes";
        serialize_none() "an empty option";
        serialize_unit() "a unit";
    }

    fn serialize_some<T>(self, value: &T) -> Result<(), TaggedError>
    where
        T: Serialize + ?Sized,
    {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), TaggedError> {
        not_a_variant("a unit struct")
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), TaggedError> {
        Ok(ser::Serializer::serialize_unit(self.begin(variant)?)?)
    }

    fn serialize_newtype_struct<T>(self, _name: &'static str, value: &T) -> Result<(), TaggedError>
    where
        T: Serialize + ?Sized,
    {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), TaggedError>
    where
        T: Serialize + ?Sized,
    {
        Ok(value.serialize(self.begin(variant)?)?)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, TaggedError> {
        not_a_variant("a sequence")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, TaggedError> {
        not_a_variant("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, TaggedError> {
        not_a_variant("a tuple struct")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, TaggedError> {
        Ok(Payload(ser::Serializer::serialize_tuple(
            self.begin(variant)?,
            len,
        )?))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, TaggedError> {
        not_a_variant("a map (or a struct with flattened fields)")
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStruct, TaggedError> {
        not_a_variant(&format!("the struct `{name}` or an enum with a tag inside"))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, TaggedError> {
        Ok(Payload(ser::Serializer::serialize_struct(
            self.begin(variant)?,
            name,
            len,
        )?))
    }
}

/// What serde_json writes, with this serializer's error type around its own.
struct Payload<C>(C);

impl<C> ser::SerializeTupleVariant for Payload<C>
where
    C: ser::SerializeTuple<Ok = (), Error = serde_json::Error>,
{
    type Ok = ();
    type Error = TaggedError;

    fn serialize_field<T>(&mut self, value: &T) -> Result<(), TaggedError>
    where
        T: Serialize + ?Sized,
    {
        Ok(self.0.serialize_element(value)?)
    }

    fn end(self) -> Result<(), TaggedError> {
        Ok(self.0.end()?)
    }
}

impl<C> ser::SerializeStructVariant for Payload<C>
where
    C: ser::SerializeStruct<Ok = (), Error = serde_json::Error>,
{
    type Ok = ();
    type Error = TaggedError;

    fn serialize_field<T>(&mut self, key: &'static str, value: &T) -> Result<(), TaggedError>
    where
        T: Serialize + ?Sized,
    {
        Ok(self.0.serialize_field(key, value)?)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), TaggedError> {
        Ok(self.0.skip_field(key)?)
    }

    fn end(self) -> Result<(), TaggedError> {
        Ok(self.0.end()?)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use crate::Event;

    #[derive(Serialize)]
    enum Every {
        Unit,
        #[serde(rename = "new type")]
        Newtype(String),
        Tuple(u8, Option<bool>),
        Struct {
            a: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            b: Option<u8>,
        },
        #[serde(rename = "two\nlines")]
        Broken(u8),
    }

    fn sent(value: impl Serialize) -> String {
        let frame = Event::tagged(value).id("1").to_frame().unwrap();
        String::from_utf8(frame.as_bytes().to_vec()).unwrap()
    }

    fn refused(value: impl Serialize) -> String {
        Event::tagged(value).to_frame().unwrap_err().to_string()
    }

    #[test]
    fn each_kind_of_variant_gives_its_name_and_its_payload() {
        assert_eq!(sent(Every::Unit), "id: 1\nevent: Unit\ndata: null\n\n");
        assert_eq!(
            sent(Every::Newtype("a\nb".into())),
            "id: 1\nevent: new type\ndata: \"a\\nb\"\n\n"
        );
        assert_eq!(
            sent(Every::Tuple(1, None)),
            "id: 1\nevent: Tuple\ndata: [1,null]\n\n"
        );
        assert_eq!(
            sent(Every::Struct { a: 1, b: None }),
            "id: 1\nevent: Struct\ndata: {\"a\":1}\n\n"
        );
    }

    #[test]
    fn wrappers_around_the_enum_are_looked_through() {
        #[derive(Serialize)]
        struct Wrapper(Every);

        assert_eq!(
            sent(Some(&Box::new(Wrapper(Every::Unit)))),
            sent(Every::Unit)
        );
    }

    #[test]
    fn a_name_set_on_the_event_wins_over_the_variant() {
        let frame = Event::tagged(Every::Unit).event("mine").to_frame().unwrap();
        assert_eq!(frame.as_bytes(), b"event: mine\ndata: null\n\n");
    }

    #[test]
    fn a_variant_renamed_to_two_lines_is_refused() {
        assert!(refused(Every::Broken(1)).contains("must not contain CR or LF"));
    }

    #[test]
    fn what_is_not_an_externally_tagged_enum_is_refused_with_what_it_is() {
        #[derive(Serialize)]
        #[serde(tag = "type")]
        enum Internal {
            A { a: u8 },
        }
        #[derive(Serialize)]
        #[serde(tag = "t", content = "c")]
        enum Adjacent {
            A(u8),
        }
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Untagged {
            A(u8),
        }

        for (error, what) in [
            (refused(Internal::A { a: 1 }), "a tag inside"),
            (refused(Adjacent::A(1)), "a tag inside"),
            (refused(Untagged::A(1)), "a number"),
            (refused("text"), "a string"),
            (refused([1, 2].as_slice()), "a sequence"),
            (refused(()), "a unit"),
        ] {
            assert!(error.contains("external"), "{error}");
            assert!(error.contains(what), "{error}");
        }
    }
}
