"""Changing an element where it stands in JSON, with what FHIR keeps beside it.

A primitive's id and extensions stand in a sibling with an underscore (`birthDate`, `_birthDate`); for a list
of primitives the sibling is a list too, filled up with nulls (R4 json §2.6.2.3). Functions here change both.
"""

from __future__ import annotations

from typing import Any


def put(owner: dict[str, Any], key: str, content: Any, extension: Any) -> None:
    """Set the single element `key` of `owner`, replacing what is there."""
    for name, value in ((key, content), ("_" + key, extension)):
        if value is None:
            owner.pop(name, None)
        else:
            owner[name] = value


def remove(owner: dict[str, Any], key: str) -> None:
    """Take the element `key` away, whole list or single value."""
    owner.pop(key, None)
    owner.pop("_" + key, None)


def count(owner: dict[str, Any], key: str) -> int:
    """Number of items in the list `key`."""
    return max(len(_items(owner, key)), len(_items(owner, "_" + key)))


def insert_item(owner: dict[str, Any], key: str, index: int, content: Any, extension: Any) -> None:
    """Insert into the list `key` before `index`; the list is made if it is not there."""
    values, extensions = _columns(owner, key)
    values.insert(index, content)
    extensions.insert(index, extension)
    _store(owner, key, values, extensions)


def replace_item(owner: dict[str, Any], key: str, index: int, content: Any, extension: Any) -> None:
    """Replace item `index` of the list `key`."""
    values, extensions = _columns(owner, key)
    values[index], extensions[index] = content, extension
    _store(owner, key, values, extensions)


def extend_item(owner: dict[str, Any], key: str, index: int, extension: Any) -> None:
    """Set what stands beside the primitive that is item `index` of the list `key`."""
    replace_item(owner, key, index, _items(owner, key)[index], extension)


def extension_of_item(owner: dict[str, Any], key: str, index: int) -> Any:
    """What stands beside the primitive that is item `index` of the list `key`, None if nothing does."""
    return _columns(owner, key)[1][index]


def remove_item(owner: dict[str, Any], key: str, index: int) -> None:
    """Take item `index` out of the list `key`; an emptied list is taken away."""
    values, extensions = _columns(owner, key)
    del values[index], extensions[index]
    _store(owner, key, values, extensions)


def move_item(owner: dict[str, Any], key: str, source: int, destination: int) -> None:
    """Move item `source` of the list `key` so that it stands at index `destination`."""
    values, extensions = _columns(owner, key)
    values.insert(destination, values.pop(source))
    extensions.insert(destination, extensions.pop(source))
    _store(owner, key, values, extensions)


def _items(owner: dict[str, Any], key: str) -> list[Any]:
    items = owner.get(key)
    return items if isinstance(items, list) else []


def _columns(owner: dict[str, Any], key: str) -> tuple[list[Any], list[Any]]:
    """The values and their siblings, both of the same length."""
    length = count(owner, key)
    values, extensions = _items(owner, key), _items(owner, "_" + key)
    return (
        values + [None] * (length - len(values)),
        extensions + [None] * (length - len(extensions)),
    )


def _store(owner: dict[str, Any], key: str, values: list[Any], extensions: list[Any]) -> None:
    for name, items in ((key, values), ("_" + key, extensions)):
        if any(item is not None for item in items):
            owner[name] = items
        else:
            owner.pop(name, None)
