"""Sealed journals on this machine's disk: append-only, synced, hash-chained, bounded, one writer a folder.

`journals` finds and takes them, `journal` writes one, `segment` reads, `sealed` seals, and `appender` lets
many wait for one sync. What for is the business of others: the audit and the orders have a folder and keys
of their own (the purpose).
"""
