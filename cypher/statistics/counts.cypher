// How many tokens, labels, actors and loads there are; both engines keep these counts.
RETURN COUNT { MATCH (:Token) } AS tokens, COUNT { MATCH (:Label) } AS labels,
  COUNT { MATCH (:Actor) } AS actors, COUNT { MATCH (:Checkpoint) } AS loads
