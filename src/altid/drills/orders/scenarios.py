"""The drills of orders: what is broken while doctors sign. As `altid.drills.scenarios`, and data as well."""

from __future__ import annotations

from altid.drills.orders import acts
from altid.drills.orders.line import Weather
from altid.drills.scenarios import Scenario
from altid.region import smalldisk

_FIVE = 5
"""Servers at each site."""

ORDER_SCENARIOS: dict[str, Scenario] = {
    "two-of-ten": Scenario(
        "two of ten servers are killed, again and again", acts.kill_two, fault_s=10.0, servers=_FIVE
    ),
    "orders-primary-kill": Scenario(
        "the database's primary is killed", acts.kill_primary, write_s_max=5.0, servers=_FIVE
    ),
    "orders-server-freeze": Scenario(
        "a server freezes, and still takes connections", acts.freeze_one, fault_s=15.0, servers=_FIVE
    ),
    "orders-disk-full": Scenario(
        "the disk under a site's journals is full",
        acts.fill_journals,
        fault_s=12.0,
        servers=_FIVE,
        prepare=acts.prepare_journals,
        check=smalldisk.check,
    ),
    "orders-site-cut": Scenario(
        "a site is cut off", acts.cut_site, needs_netns=True, write_s_max=6.0, servers=_FIVE
    ),
    "orders-kill-between": Scenario(
        "servers are killed between the intent and the commit",
        acts.kill_between,
        fault_s=0.0,
        write_s_max=6.0,
        servers=_FIVE,
    ),
    "orders-storm": Scenario(
        "requests come late, twice and out of order",
        acts.nothing,
        fault_s=12.0,
        servers=_FIVE,
        weather=Weather(late_s_max=0.4, copied=0.5, copy_late_s_max=4.0),
    ),
    "orders-lost-answers": Scenario(
        "requests are lost, and answers after the commit",
        acts.nothing,
        fault_s=12.0,
        servers=_FIVE,
        weather=Weather(copied=0.1, copy_late_s_max=2.0, lost=0.4, unsent=0.2),
    ),
}
"""Every drill of orders by its name."""
