// Entries of the index of words that are out of date.
// $keys   uses index term_key
UNWIND $keys AS key
MATCH (t:Term {key: key})
DELETE t
