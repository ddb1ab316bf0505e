"""Delivery: how a release reaches a cluster, and how it comes back when it does not come up.

Run by the pipelines as `python -m delivery --plan /plan.json` in a container with Python and kubectl,
or by hand anywhere those two are. It needs rights in one namespace only. Standard library only.
"""
