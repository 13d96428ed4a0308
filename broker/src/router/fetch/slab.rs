//! Values under small numbers, which are used again once their values are gone.

/// The values.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Keeps `value`; under which number.
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.places[number as usize] = Some(value);
            return number;
        }
        let number = u32::try_from(self.places.len()).expect("what is kept was bounded before");
        self.places.push(Some(value));
        number
    }

    /// Gives it up.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.places.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(value)
    }

    /// What is kept under `number`.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.places.get(number as usize)?.as_ref()
    }

    /// [`Slab::get`], to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.places.get_mut(number as usize)?.as_mut()
    }

    /// How many there were at most: so much room it has.
    pub fn room(&self) -> usize {
        self.places.len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers in use.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.iter().map(|(number, _)| number)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.places).filter_map(|(number, value)| Some((number, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_stay_small() {
        let mut slab = Slab::default();
        let numbers: Vec<u32> = ["a", "b", "c"].into_iter().map(|value| slab.insert(value)).collect();
        assert_eq!((numbers, slab.len()), (vec![0, 1, 2], 3));
        assert_eq!((slab.remove(1), slab.remove(1), slab.get(1)), (Some("b"), None, None));
        assert_eq!(slab.numbers().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(slab.insert("d"), 1);
        *slab.get_mut(1).unwrap() = "e";
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(0, &"a"), (1, &"e"), (2, &"c")]);
        assert_eq!((slab.remove(9), slab.is_empty(), slab.room()), (None, false, 3));
    }
}
