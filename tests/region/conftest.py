"""What the region's tests share: certificates."""

from __future__ import annotations

import pytest

from tests.region.certified import Certified


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """The certificates of a region; tests only use them."""
    return Certified(tmp_path_factory.mktemp("region") / "data")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """Another region with the same places: its certificates are worth nothing in the first."""
    return Certified(tmp_path_factory.mktemp("stranger") / "data")
