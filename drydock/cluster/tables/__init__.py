"""The forms an answer can have besides the object: tables and metadata only.

`Api` hands every answer to `presented`, which reads the Accept header. Columns of built-in kinds are
in `printers`, those of custom kinds in their definition.
"""

from drydock.cluster.tables.present import presented

__all__ = ["presented"]
