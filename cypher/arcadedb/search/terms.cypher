// What the words of labels, actors and tokens lead to: of the $scan first entries of a word, up to
// $limit whose text has all that is looked for.
// $kind and $prefix (of keys), joined by UNION ALL for several words. No ORDER BY and no
// other condition beside the range: this engine would sort, or leave the index.
// $parts of texts   uses index term_key
MATCH (t:Term) WHERE t.key STARTS WITH $prefix
WITH t LIMIT $scan
WHERE all(part IN $parts WHERE t.words CONTAINS part)
WITH t LIMIT $limit
RETURN $kind AS kind, t.target AS target
