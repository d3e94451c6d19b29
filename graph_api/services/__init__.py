"""Use cases: ask the store, judge or combine, answer."""
