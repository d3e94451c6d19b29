"""The one room that speaks Bolt: the graph door and one module of questions per subject."""
