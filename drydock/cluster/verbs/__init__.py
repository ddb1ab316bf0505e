"""What can be done with stored objects: one file per verb.

`Api` calls them after authentication and authorisation; each takes the core, the target and the
request, and returns a Response or raises ApiError.
"""
