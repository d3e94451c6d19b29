"""Following the money through the graph: what is asked, how it is read, and what is answered."""
