"""Who is one: runs over a chain, and questions on other terms than those of the published run."""
