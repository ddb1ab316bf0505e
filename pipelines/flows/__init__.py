"""Order and concurrency: which stage waits for which, and what becomes of the rest when one fails."""
