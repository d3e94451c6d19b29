"""The best paths in time: what is asked, how it is read from the graph, and what is answered."""
