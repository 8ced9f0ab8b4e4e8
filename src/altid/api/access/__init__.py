"""Altid's own API for coming in: logon, tokens, and applications that act for people (SMART App Launch).

`routes` gives what the server mounts. Handlers are thin: the room `access` decides, here it is only said in
HTTP and JSON. Nothing here acts on a cookie: what counts stands in the body or in `Authorization`, so no
other site's page can make a browser do anything.
"""
