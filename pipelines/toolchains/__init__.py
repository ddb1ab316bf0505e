"""How to get a container that can do something: run Python tools, unpack Debian packages, scan, deliver.

Each file gives containers or runs them; none judges what came out, that is what stages are for.
"""
