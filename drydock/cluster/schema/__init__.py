"""What the API knows about the fields of every kind.

`shape` turns the JSON schemas that kubernetes-validate bundles (and those of custom resource
definitions) into small typed nodes; `decode` reads and normalises a body along them, the way a Go
API server does by unmarshalling into structs; `go` holds what JSON schemas do not tell about those
structs. Strategic merge, server-side apply and OpenAPI read the same nodes.
"""

from drydock.cluster.schema.decode import Decoded, decode, normal
from drydock.cluster.schema.shape import Shape, Shapes

__all__ = ["Decoded", "Shape", "Shapes", "decode", "normal"]
