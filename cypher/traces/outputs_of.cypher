// The outputs that a wallet owns.
// $wallet   $limit   uses constraint wallet_id
MATCH (:Wallet {id: $wallet})-[:OWNS]->(o:Output)
RETURN o.id AS id, o.owner AS owner, o.amount_raw AS amount_raw LIMIT $limit
