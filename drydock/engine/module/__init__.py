"""Modules: their source, their types, and the calls of their functions in a warm Python.

Importing this package registers nothing; `drydock.engine.types.module` imports the files with resolvers.
"""
