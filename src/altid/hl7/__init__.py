"""The other standard: HL7 v2.5.1 as systems beside Altid speak it. Segments and escapes (`text`),
acknowledgements, and the line that they travel on (`mllp`). Knows no record: what a message means is said
by whoever takes it.
"""
