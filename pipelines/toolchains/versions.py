"""The one place where versions of images and tools stand.

Python packages are pinned with hashes beside each service; Debian packages come from the release
that the Python image is made of.
"""

from typing import Final

PYTHON: Final = "3.11"
PYTHON_IMAGE: Final = f"python:{PYTHON}-slim-bookworm"
NODE: Final = "20.20.2"
NODE_IMAGE: Final = f"node:{NODE}-bookworm-slim"
TRIVY_IMAGE: Final = "aquasec/trivy:0.59.1"
KUBECTL_IMAGE: Final = "registry.k8s.io/kubectl:v1.37.1"
PLATFORM: Final = ("linux", "amd64")
"""Of the images that are built; tools run on whatever the engine runs on."""
