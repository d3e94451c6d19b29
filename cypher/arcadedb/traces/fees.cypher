// What a wallet paid as fees, newest first; a row of a stranger has no id.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several   $limit rows of each
MATCH (x:Transaction) WHERE x.sender_key > $after AND x.sender_key < $end
WITH x LIMIT $limit
RETURN $owner AS owner, x.sender_key AS key, CASE WHEN x.sender = $owner THEN x.id END AS id,
  x.index AS index, x.fee_raw AS fee_raw, x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw,
  x.block_number AS block_number, x.block_time AS block_time
