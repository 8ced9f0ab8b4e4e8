"""Search as the standard has it (R4 search.html), up to the database.

`extract.extract` gives a resource's index entries, `query.parse` turns a search into criteria on such
entries; `entries` and `criteria` are the data they give. `parameters` knows the standard's search parameters
and compartments, `value_sets` lists the codes of a stored ValueSet, `summary` the elements of `_summary`.
"""
