"""Orders that are never silently lost: medication and requisitions, from the click to both sites and beyond.

`receipt` says what became of a key, `intent` is what a server notes before it touches the record. See
docs/orders.md.
"""
