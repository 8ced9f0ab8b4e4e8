"""What people see in a browser: a list that finds patients, and one page per patient. Both only read.

`pages.pages` gives the routes. `loading` reads the record, `views` make plain data of FHIR resources, `words`
say it in Danish or English, `templates` lay it out.
"""
