"""The region: two sites and a witness as processes that are started, watched, cut, healed and stopped.

This room knows hosts, ports, PostgreSQL, Patroni and etcd; it knows nothing about patients. It offers the
region file (`topology`, `regionfile`), start and stop (`startup`, `shutdown`), the live picture (`status`),
and the faults that drills are made of (`faults`). The guardian, which decides that a site is lost, has a room
of its own inside.
"""
