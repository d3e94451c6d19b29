"""Alert rules: one pure function for each kind, from an event and what was known of it."""
