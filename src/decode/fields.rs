//! The list of fields of a record, without an allocation for each record.

use crate::event::Field;

/// Empties a list of fields but keeps its allocation, for texts that live elsewhere.
pub(super) fn recycle<'b>(mut fields: Vec<Field<'_>>) -> Vec<Field<'b>> {
    fields.clear();
    // Collecting in place: the empty list hands its allocation on.
    fields.into_iter().map(|_| Field::Missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocation_is_kept() {
        let mut fields = Vec::with_capacity(100);
        fields.push(Field::TimeUs(1));
        let again: Vec<Field<'static>> = recycle(fields);
        assert!(again.is_empty());
        assert_eq!(again.capacity(), 100);
    }
}
