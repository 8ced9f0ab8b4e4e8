"""Drills: real faults under real load, judged by what the clients saw, with evidence left behind.

`clients` write and read through FHIR at both sites, `history` is what they remember, `checker` judges from
that alone, `scenarios` say what is broken and when, `run` puts them together, `evidence` and `picture` keep
the proof.
"""
