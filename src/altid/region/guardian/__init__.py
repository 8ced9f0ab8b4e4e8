"""The guardian: sees that a site is lost, and hands the lead to the other in one etcd transaction.

`view` says what is seen and `deep` who answers, `decision` when to act (pure: model-tested), `handover` how
(the transaction and its checks). `grey` watches the site itself: `disk` and `apply` look, `fitness` judges
(pure), `tag` sets a standby aside. `liveness` and `lease` say whether the site may answer as the live record.
`service` runs them at each place; at the witness only the view runs. The design and its reasons are in
docs/region.md.
"""
