"""Dockerfile builds: parse, then follow each stage with the containers' own fields."""
