// Remember how far a migration has come.
// $number   $name   $checksum   $last place of a backfill   $done   $now epoch ms
MERGE (m:Migration {number: $number})
SET m.name = $name, m.checksum = $checksum, m.last = $last, m.done = $done, m.applied_at = $now
