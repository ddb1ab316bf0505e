"""One command of a container: who runs it, what it may say, how it ends, what is remembered of it."""
