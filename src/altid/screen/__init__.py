"""What all of Altid's screens share, live record and lookup record alike: how a chart is read and said.

`views` make plain data of FHIR resources, `words` say it in Danish or English, `sections` and `rendering`
lay it out with the templates here and those of the room that asks, `static` serves what pages are dressed
with. Knows no database, no network, and nobody who is logged on.
"""
