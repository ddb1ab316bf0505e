"""Tests of GitOps mode."""
