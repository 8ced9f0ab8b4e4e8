"""The standard: FHIR R4 (4.0.1) as data and pure functions.

JSON that keeps decimals as written, definitions, validation, references, search grammar, index
extraction and patch. Knows no database and no network, so everything here can be tested alone.
"""
