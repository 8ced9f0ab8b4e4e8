"""Makes the tables in `src/altid/fhir/definitions/` from the published FHIR R4 (4.0.1) definitions.

`python -m tools.definitions` writes them, `python -m tools.definitions --check` compares.
"""
