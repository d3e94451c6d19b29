// What the words of labels, actors and tokens lead to: of the $scan first entries of a word, up to
// $limit whose text has all that is looked for.
// $branches of kind and prefix (of keys)   $parts of texts   uses index term_key
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Term) WHERE t.key STARTS WITH b.prefix
  WITH t ORDER BY t.key LIMIT $scan
  WHERE all(part IN $parts WHERE t.words CONTAINS part)
  WITH t LIMIT $limit
  RETURN t.target AS target
}
RETURN b.kind AS kind, target
