"""Who is one: heuristics, unions and explanations, without a graph."""
