// How many transfers a wallet and a token have: which of the two lists is shorter.
// $wallet $token   uses constraints wallet_id and token_id
OPTIONAL MATCH (w:Wallet {id: $wallet})
WITH w
OPTIONAL MATCH (t:Token {id: $token})
RETURN w.transfers_in + w.transfers_out AS of_wallet, t.transfers AS of_token
