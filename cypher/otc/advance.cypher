// How far transfers of a chain are looked at now.
// $chain   $number of the last event
MATCH (d:Detector {id: $chain})
SET d.number = $number
