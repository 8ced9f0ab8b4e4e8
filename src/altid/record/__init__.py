"""The record on PostgreSQL: schema, write, read, history, search, change feed.

Everything that is stored passes through `write.write`; everything that is shown comes from `read`,
`history` and `search`. Patients' data leave this room only as return values.
"""
