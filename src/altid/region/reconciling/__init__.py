"""Reconciliation by itself: after each incident of a site, once it is calm, its orders are compared.

`incidents` says what an incident is and when it is time (pure), `service` does it: a process at each site
that the place's supervisor keeps, for what happened at that site. See docs/orders.md.
"""
