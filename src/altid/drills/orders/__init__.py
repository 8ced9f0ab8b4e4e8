"""Drills of orders: ten servers, clients that sign and retry as browsers do, a judge who believes nobody.

`clients` sign orders at both sites' gateways and keep an outbox, `history` is what they remember, `line` is
the bad line between them and the record. `held` reads the final record over HTTP, `checker` judges from these
alone. `acts` break servers, `scenarios` name the drills, `run` puts them together.
"""
