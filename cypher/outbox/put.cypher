// Events that are to be published.
// $rows of id, line, chain, first, last, at and payload
UNWIND $rows AS row
CREATE (:Outbox {id: row.id, line: row.line, chain: row.chain, first: row.first, last: row.last,
  at: row.at, payload: row.payload})
