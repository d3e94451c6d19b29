// From how many wallets value came to each, and to how many it went.
// $wallets ids, of wallets that have not very many flows   uses constraint wallet_id
UNWIND $wallets AS id
MATCH (w:Wallet {id: id})
CALL (w) {
  OPTIONAL MATCH (w)<-[:FLOWED]-(o:Wallet)
  RETURN count(DISTINCT o.id) AS senders
}
CALL (w) {
  OPTIONAL MATCH (w)-[:FLOWED]->(o:Wallet)
  RETURN count(DISTINCT o.id) AS recipients
}
RETURN id AS wallet, senders, recipients
