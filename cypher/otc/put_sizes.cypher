// How large the transfers of tokens were on some days.
// $rows of id, token, day, buckets and counts
UNWIND $rows AS r
MERGE (s:SizeDay {id: r.id})
SET s.token = r.token, s.day = r.day, s.buckets = r.buckets, s.counts = r.counts
