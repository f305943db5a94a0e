//! The tests that every engine has to pass.
