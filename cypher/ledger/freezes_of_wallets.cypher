// Everything that issuers did to some wallets.
// $ids of wallets   uses constraint wallet_id
UNWIND $ids AS id
MATCH (:Wallet {id: id})<-[:CONCERNS]-(f:Freeze)
RETURN f.id AS id, f.kind AS kind, f.token AS token, f.wallet AS wallet, f.issuer AS issuer,
  f.symbol AS symbol, f.position AS position, f.block_number AS block_number,
  f.block_time AS block_time
