"""The canary of a site: signs test orders at every server, and takes a server that loses them out of work.

`probe` makes one trial, `altid.orders.canary` decides (pure), `watcher` runs them all and tells the gateway,
the events and the status, `credential` has its tokens. It is a process of its own, which the place's
supervisor keeps: a server that is half dead can't vouch for itself. See docs/orders.md.
"""
