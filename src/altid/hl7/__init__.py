"""The other standard: HL7 v2.5.1 as systems beside Altid speak it. Segments and escapes (`text`), what fields
and results are in FHIR (`values`, `results`), acknowledgements, and the line that they travel on (`mllp`).
Knows no record: what a message does is said by whoever takes it.
"""
