// How large the transfers of tokens were on some days.
// $ids of token and day   uses constraint size_day_id
UNWIND $ids AS id
MATCH (s:SizeDay {id: id})
RETURN s.token AS token, s.day AS day, s.buckets AS buckets, s.counts AS counts
