"""Who looked at whom, and who changed what: kept so that none is lost and none can be altered unseen.

`open_audit` gives an `Audit`, whose `record` returns when the event is safely in a journal on this machine:
append-only, sealed, synced, hash-chained. From there events go in batches into the replicated table `audit`;
an answer never waits for that. When the journal can't take an event, `AuditUnavailableError` is raised, and
the caller does not answer with a patient's data. `store` searches the table, `verify` proves it, `export`
shows it as FHIR and as the citizens' access log.
"""
