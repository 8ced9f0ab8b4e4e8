"""The region's identity providers: written down once in the region's folder, the same at both sites.

`identity.toml` and what it names lie in the data folder of `altid up`, or in the operator's folder. From
there each site gets its own copy, for the service user alone. Where the region's folder has none, what a site
has is left as it is. Servers read it at their start.
"""

from __future__ import annotations

from pathlib import Path

from altid.access.federation.file import FILE, files_of
from altid.access.federation.table import IdentityFileError
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.topology import Region


def identity_files(folder: Path) -> dict[str, str]:
    """Their texts by name; none where there is no `identity.toml`. Raises `RegionError` for a mistake."""
    try:
        return {file.name: file.read_text("utf-8") for file in files_of(folder / FILE)}
    except IdentityFileError as error:
        raise RegionError(f"{error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RegionError(f"{folder / FILE} or a file that it names can't be read: {error}.") from None


def spread(where: Layout, region: Region, account: Account) -> None:
    """Give each site its copy. Raises `RegionError`."""
    files = identity_files(where.data)
    for site in region.sites:
        folder = where.place(site.name).root
        try:
            for name, text in files.items():
                write_owned(folder / name, text, account)
        except OSError as error:
            raise RegionError(f"{error.filename or folder} cannot be written: {error.strerror}.") from None
