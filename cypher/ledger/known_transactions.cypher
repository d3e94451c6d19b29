// What is loaded of transactions.
// $ids
UNWIND $ids AS id
MATCH (x:Transaction {id: id})
RETURN x.id AS id, x.sender AS sender, x.recipient AS recipient, x.status AS status,
       x.value_raw AS value_raw, x.coinbase AS coinbase, x.index AS index, x.gas_used AS gas_used,
       x.gas_price_raw AS gas_price_raw, x.block_number AS block_number, x.block_time AS block_time
