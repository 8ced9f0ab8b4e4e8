"""The guardian: sees that a site is lost, and hands the lead to the other in one etcd transaction.

`view` says what is seen, `decision` when to act (pure: model-tested), `handover` how (the transaction and its
checks), `service` runs them at each place. At the witness only the view runs. The design and its reasons are
in docs/region.md.
"""
