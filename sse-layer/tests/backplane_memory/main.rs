//! The engine `memory`, against the rules of a backplane.
