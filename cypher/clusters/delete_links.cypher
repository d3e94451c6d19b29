// Links whose evidence does not hold any more.
// $rows of id, end
UNWIND $rows AS r
MATCH (b:Wallet {id: r.end})<-[l:LINKED]-(:Wallet)
WHERE l.id = r.id
DELETE l
