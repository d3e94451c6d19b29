"""Who is asked: endpoints with their health, limits and retries."""
