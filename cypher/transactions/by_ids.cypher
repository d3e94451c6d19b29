// Transactions by their ids; an id that is not there has no row.
// $ids   uses constraint transaction_id
UNWIND $ids AS id
MATCH (x:Transaction {id: id})
RETURN
  x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
  x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
  x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
  x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
  x.coinbase AS coinbase, x.flags AS flags
