//! Things by small numbers, which are used again: a vector with holes.

/// Things by number.
#[derive(Debug)]
pub(super) struct Slab<T> {
    items: Vec<Option<T>>,
    holes: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            items: Vec::new(),
            holes: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, item: T) -> u32 {
        if let Some(hole) = self.holes.pop() {
            self.items[hole as usize] = Some(item);
            return hole;
        }
        self.items.push(Some(item));
        self.items.len() as u32 - 1
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let item = self.items.get_mut(number as usize)?.take()?;
        self.holes.push(number);
        Some(item)
    }

    #[inline]
    pub(super) fn item(&mut self, number: u32) -> Option<&mut T> {
        self.items.get_mut(number as usize)?.as_mut()
    }

    #[inline]
    pub(super) fn peek(&self, number: u32) -> Option<&T> {
        self.items.get(number as usize)?.as_ref()
    }

    /// All things with their numbers, in rising order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let items = self.items.iter().enumerate();
        items.filter_map(|(number, item)| Some((number as u32, item.as_ref()?)))
    }

    pub(super) const fn len(&self) -> usize {
        self.items.len() - self.holes.len()
    }
}
