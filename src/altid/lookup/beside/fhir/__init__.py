"""A FHIR R4 server that others run, asked again and again.

First all of it, by `$export` where it can (Bulk Data Access 2.0), else page by page; then what has changed,
by `_lastUpdated` and, for what was deleted, `_history`; and now and then all ids are compared, so that
nothing stays that the server has lost, and nothing is missing that it told late.
"""
