// What another source adds to known transactions; what is known stays.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.id})
SET x.block_number = coalesce(x.block_number, r.block_number),
    x.block_time = coalesce(x.block_time, r.block_time),
    x.index = coalesce(x.index, r.index), x.status = coalesce(x.status, r.status),
    x.gas_used = coalesce(x.gas_used, r.gas_used),
    x.gas_price_raw = coalesce(x.gas_price_raw, r.gas_price_raw),
    x.fee_raw = coalesce(x.fee_raw, r.fee_raw), x.order_key = r.order_key
