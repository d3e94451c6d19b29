// Totals of flows as they are kept, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint flow_id
MATCH (f:Flow) WHERE f.id > $after
WITH f LIMIT $limit
RETURN f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
       f.transfers AS transfers, f.amount_raw AS amount_raw, f.first_at AS first_at,
       f.last_at AS last_at, coalesce(f.usd_micros, '0') AS usd_micros,
       coalesce(f.priced, 0) AS priced
