// Which wallets no fact and no label refers to. Flows and holdings are no facts.
// $ids
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
OPTIONAL MATCH (w)-[r:SENT|REACHED|SIGNED|CALLED|GRANTED|SPENDER|IN_POOL|OWNS|HAS_LABEL|CONCERNS]-()
WITH w, count(r) AS facts WHERE facts = 0
RETURN w.id AS id
