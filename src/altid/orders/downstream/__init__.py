"""Orders on their way to others (pharmacy, laboratory, FMK), and results on their way back.

`service.open_downstream` runs it in a server process. `dispatcher` takes what is new from the change feed
into the queue and sends it, one process at a time for the whole region; `hl7` speaks with the others;
`results` puts into the record what they answer. What can't be delivered or placed is listed and alarmed,
never dropped.
"""
