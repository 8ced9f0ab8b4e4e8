"""Opslag, the lookup record that is always there: an encrypted copy of its own, and pages that only read.

Answers from one local file alone. Needs no database server, no gateway, no identity provider and no other
site to do so; they feed it while they are there.
"""
