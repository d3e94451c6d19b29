// The transactions that created outputs.
// $outputs ids   uses constraint output_id
UNWIND $outputs AS output
MATCH (:Output {id: output})<-[:CREATED]-(x:Transaction)
RETURN output, x.id AS id, x.index AS index, x.block_number AS block_number,
  x.block_time AS block_time
