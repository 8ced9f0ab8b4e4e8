"""Getting in at a place that asks nobody: last known accounts, a ward's sealed code, every look kept here.

`entry.open_entry` gives an `Entry`: who is in, whom they may see by the record's own rules, and `look`, which
returns when a look is safe on this disk. `routes.entry_routes` are its pages. While there is a line,
`courier` takes the looks to the record and brings back who may come in.
"""
