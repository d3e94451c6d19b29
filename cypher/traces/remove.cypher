// Take a trace away that has no roads any more.
MATCH (t:Trace {id: $id}) DETACH DELETE t
