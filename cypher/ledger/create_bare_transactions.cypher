// Transactions without a signer: stubs of which only logs are known, and UTXO transactions.
// $rows
UNWIND $rows AS r
CREATE (:Transaction {id: r.id, chain: r.chain, hash: r.hash, block_number: r.block_number,
  block_time: r.block_time, index: r.index, status: r.status, gas_used: r.gas_used,
  gas_price_raw: r.gas_price_raw, fee_raw: r.fee_raw, coinbase: r.coinbase, flags: r.flags,
  value_raw: r.value_raw, order_key: r.order_key})
