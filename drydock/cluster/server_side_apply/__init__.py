"""Who owns which field, and applying a configuration without taking what others own.

The write verbs call `Ownership`: `updated` after every create, update and patch, `applied` for
apply patches. `fields` holds sets of field paths, `typed` compares, merges and prunes objects along
their shape.
"""

from drydock.cluster.server_side_apply.ownership import Writer, applied, updated

__all__ = ["Writer", "applied", "updated"]
