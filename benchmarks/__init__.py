"""How fast the record is, measured against limits of the same machine: `python -m benchmarks --help`.

A real Altid is started, filled, and driven by a load generator in a process of its own; `pgbench` measures in
the same run what the same PostgreSQL does without Altid. Every figure is kept together with its command.
"""
