"""A made-up person filmed by a phone, with known truth."""
