//! The engine `redis`, against the rules of a backplane.
