"""What is shown, as plain data: each module makes one part of the page from FHIR resources.

Pure functions: no database, no language. Words come in `altid.screen.words`, layout in the templates.
"""
