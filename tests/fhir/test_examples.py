"""The validator on the official examples: valid, but for those that break the standard themselves."""

from __future__ import annotations

from altid.fhir.json import loads
from altid.fhir.validation import validate
from official_examples import INVALID, official_examples


def test_the_official_examples_are_valid_but_for_those_that_break_the_standard() -> None:
    examples = official_examples()
    assert {name for name, data in examples.items() if validate(loads(data))} == INVALID.keys()
