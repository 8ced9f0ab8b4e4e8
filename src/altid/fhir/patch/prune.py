"""Removal of the containers that a patch has emptied.

FHIR's JSON knows no empty object and no empty array (R4 json §2.6.2): what loses its last content is absent.
Only containers that a patch took something out of are removed, so an empty object that a client *sends*
still reaches the validation, and is refused there.
"""

from __future__ import annotations

from typing import Any

Container = dict[str, Any] | list[Any]


def prune(resource: dict[str, Any], emptied: list[Container]) -> None:
    """Drop those containers of `emptied` that hold nothing, and whatever becomes empty by that, in place."""
    suspects = {id(container) for container in emptied if not container}
    if suspects:
        _prune_below(resource, suspects)


def _prune_below(container: Container, suspects: set[int]) -> bool:
    """Prune below `container`; true if anything was dropped directly from it."""
    dropped = False
    if isinstance(container, dict):
        for key in [key for key, child in container.items() if _is_to_drop(child, suspects)]:
            del container[key]
            dropped = True
        return dropped
    kept = [child for child in container if not _is_to_drop(child, suspects)]
    dropped = len(kept) < len(container)
    container[:] = kept
    return dropped


def _is_to_drop(child: Any, suspects: set[int]) -> bool:
    if not isinstance(child, dict | list):
        return False
    if not child:
        return id(child) in suspects
    return _prune_below(child, suspects) and not child
