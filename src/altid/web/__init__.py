"""What people see of the live record in a browser: ways in, the list that finds patients, their pages.

`pages.pages` gives the routes. `loading` reads the record; what a chart says and how it looks is in
`altid.screen`, templates of the pages themselves are here.
"""
