use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::request::Parts;

/// One limit per key, whatever its type.
pub(super) trait KeyRule: Send + Sync {
    /// The claim of a request, if it has a key.
    fn claim(&self, parts: &Parts) -> Option<Box<dyn Claim>>;
}

/// A request's key, not yet counted.
pub(super) trait Claim: Send + Sync {
    /// Counts one more stream of the key, or answers the maximum that is reached.
    fn acquire(self: Box<Self>) -> Result<Box<dyn KeyPermit>, usize>;
}

/// One open stream of a key; given back on drop.
pub(super) trait KeyPermit: Send + Sync {}

pub(super) struct PerKey<K, F> {
    key: F,
    table: Arc<Table<K>>,
}

impl<K, F> PerKey<K, F> {
    pub(super) fn new(max: usize, key: F) -> Self {
        Self {
            key,
            table: Arc::new(Table {
                max,
                open: Mutex::new(HashMap::new()),
            }),
        }
    }
}

impl<K, F> KeyRule for PerKey<K, F>
where
    K: Hash + Eq + Send + Sync + 'static,
    F: Fn(&Parts) -> Option<K> + Send + Sync,
{
    fn claim(&self, parts: &Parts) -> Option<Box<dyn Claim>> {
        Some(Box::new(KeyClaim {
            key: (self.key)(parts)?,
            table: Arc::clone(&self.table),
        }))
    }
}

struct KeyClaim<K> {
    key: K,
    table: Arc<Table<K>>,
}

impl<K> Claim for KeyClaim<K>
where
    K: Hash + Eq + Send + Sync + 'static,
{
    fn acquire(self: Box<Self>) -> Result<Box<dyn KeyPermit>, usize> {
        let Self { key, table } = *self;
        // The table and the permit both need the key, which need not be `Clone`.
        let key = Arc::new(key);
        table.acquire(&key)?;
        Ok(Box::new(HeldKey { key, table }))
    }
}

struct HeldKey<K>
where
    K: Hash + Eq,
{
    key: Arc<K>,
    table: Arc<Table<K>>,
}

impl<K> KeyPermit for HeldKey<K> where K: Hash + Eq + Send + Sync {}

impl<K> Drop for HeldKey<K>
where
    K: Hash + Eq,
{
    fn drop(&mut self) {
        self.table.release(&self.key);
    }
}

struct Table<K> {
    max: usize,
    open: Mutex<HashMap<Arc<K>, usize>>,
}

impl<K> Table<K>
where
    K: Hash + Eq,
{
    /// A panic in a key's own `Hash` or `Eq` leaves the table as it was.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<K>, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire(&self, key: &Arc<K>) -> Result<(), usize> {
        let mut open = self.lock();
        match open.get_mut(key) {
            Some(count) if *count >= self.max => return Err(self.max),
            Some(count) => *count += 1,
            None if self.max == 0 => return Err(0),
            None => {
                open.insert(Arc::clone(key), 1);
            }
        }
        Ok(())
    }

    /// The entry goes with the last stream, and the table's memory after its entries.
    fn release(&self, key: &Arc<K>) {
        let mut open = self.lock();
        if let Some(count) = open.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                open.remove(key);
            }
        }
        if open.capacity() > 64 && open.capacity() / 4 > open.len() {
            let half = open.capacity() / 2;
            open.shrink_to(half);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max: usize) -> Arc<Table<u32>> {
        Arc::new(Table {
            max,
            open: Mutex::new(HashMap::new()),
        })
    }

    fn acquire(table: &Arc<Table<u32>>, key: u32) -> Result<Box<dyn KeyPermit>, usize> {
        let claim: Box<dyn Claim> = Box::new(KeyClaim {
            key,
            table: Arc::clone(table),
        });
        claim.acquire()
    }

    #[test]
    fn each_key_has_its_own_permits() {
        let table = table(2);
        let first = acquire(&table, 1).ok().unwrap();
        let _second = acquire(&table, 1).ok().unwrap();
        let _other = acquire(&table, 2).ok().unwrap();
        assert_eq!(acquire(&table, 1).err(), Some(2));
        drop(first);
        assert!(acquire(&table, 1).is_ok());
    }

    #[test]
    fn a_limit_of_none_admits_none_and_keeps_no_entry() {
        let table = table(0);
        assert_eq!(acquire(&table, 1).err(), Some(0));
        assert!(table.lock().is_empty());
    }

    #[test]
    fn a_million_keys_leave_nothing_behind() {
        let table = table(1);
        let permits: Vec<_> = (0..1_000_000)
            .map(|key| acquire(&table, key).ok().unwrap())
            .collect();
        assert_eq!(table.lock().len(), 1_000_000);
        drop(permits);
        let open = table.lock();
        assert_eq!(open.len(), 0);
        assert!(open.capacity() <= 64, "{}", open.capacity());
    }
}
