"""Ways that value could have taken in time: which are the best, and by what."""
