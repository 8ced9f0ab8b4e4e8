"""The region's backups, made and kept at the witness: a third place, out of reach of a deletion.

The part `archive` of the witness' supervisor (`service`) follows whoever leads and receives the log
(`receiver`), takes base backups from the standby on schedule (`rota`), and tells how far it is (`picture`).
`ask` is how `altid backup now` reaches it; `newregion` makes a region of what was kept. What a backup is, and
how a record comes back from it, is `altid.record.backup`.
"""
