"""A region on hosts of its own: for each host a folder with all that it needs, and nothing of the others.

The operator keeps one folder for the region (`--keys`), which looks like a data folder: the region file, the
passwords, the certificates' authority, the identity of each place. From it `altid render` makes the folder of
one host: its part of that, a systemd unit, what its parts will run (to be read), the firewall's lines, and a
page with the exact commands. The same region and the same operator's folder give the same files.
"""

from altid.region.render.host import Host, Target, choose, operators_folder, rendered
from altid.region.render.package import check as check_out
from altid.region.render.package import write

__all__ = ["Host", "Target", "check_out", "choose", "operators_folder", "rendered", "write"]
