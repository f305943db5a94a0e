//! gRPC's status codes.

use std::fmt;

/// The number in `grpc-status`, and its name.
///
/// The names are those of [gRPC]. What it does not name is a code as well, as servers may send it.
///
/// ```
/// use sse_testkit::grpc_web::Code;
///
/// assert_eq!(Code::from(5), Code::NOT_FOUND);
/// assert_eq!(Code::NOT_FOUND.to_string(), "5 NOT_FOUND");
/// assert_eq!(Code::from(99).to_string(), "99");
/// ```
///
/// [gRPC]: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(i32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The name, if gRPC has one for the number.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// No error.
    OK = 0;
    /// The call was cancelled, as a rule by the client.
    CANCELLED = 1;
    /// An error of which nothing else is known.
    UNKNOWN = 2;
    /// The client sent an argument that is never valid.
    INVALID_ARGUMENT = 3;
    /// The time was over before the call was.
    DEADLINE_EXCEEDED = 4;
    /// What was asked for is not there.
    NOT_FOUND = 5;
    /// What was to be made is there already.
    ALREADY_EXISTS = 6;
    /// The client may not do this.
    PERMISSION_DENIED = 7;
    /// A quota or a limit is reached.
    RESOURCE_EXHAUSTED = 8;
    /// The system is not in the state that the call needs.
    FAILED_PRECONDITION = 9;
    /// The call was given up, for example because of another one at the same time.
    ABORTED = 10;
    /// The call went past what is there.
    OUT_OF_RANGE = 11;
    /// There is no such method.
    UNIMPLEMENTED = 12;
    /// Something that always has to hold does not.
    INTERNAL = 13;
    /// The service can't be used right now; the client may try again.
    UNAVAILABLE = 14;
    /// Data is lost for good.
    DATA_LOSS = 15;
    /// It is not known who the client is.
    UNAUTHENTICATED = 16;
}

impl Code {
    /// The number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl From<i32> for Code {
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}
