//! An engine in this process, for several hubs of it: for tests of what many nodes do.
