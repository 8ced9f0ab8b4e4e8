"""The live picture of the region in a browser, served at the witness: outside both sites, so that it outlives
either. No patient's data is here.

`asking` asks the region once a second at most, however many look; `view` makes of the answer what is shown,
in the words of `words`; `drawing` says where it stands in the picture; `app` serves it.
"""
