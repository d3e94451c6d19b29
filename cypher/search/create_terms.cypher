// New entries of the index of words.
// $rows of key, words and target
UNWIND $rows AS r
CREATE (:Term {key: r.key, words: r.words, target: r.target})
