"""The graph and its API: asks, analyses and answers; never ingests and never calls out."""
