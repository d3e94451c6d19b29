// How far the transfers of each chain were looked at.
MATCH (d:Detector)
RETURN d.id AS chain, d.number AS number
