"""Drills: real faults under real load, judged by what the clients saw, with evidence left behind.

`clients` write and read through FHIR at both sites, `history` is what they remember, `checker` judges from
that alone. `scenarios` name what can be broken and say what shall come of it, `acts` break it on a `stage`.
`run` puts them together, `result` has the verdict and the figures, `series` takes several runs together.
`evidence`, `report` and `picture` keep the proof.
"""
