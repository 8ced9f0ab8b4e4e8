"""The limits of what goes to and comes from identity providers, each with its unit and reason."""

from __future__ import annotations

OUT_S_MAX = 600
"""From leaving for the provider to coming back: time to find one's key and type a password twice."""
FETCH_S_MAX = 4.0
"""One question to a provider, all in all. A person waits for two of them at most."""
CONNECT_S_MAX = 2.0
ANSWER_BYTES_MAX = 256 * 1024
"""Of anything that a provider answers or sends: key sets and assertions have some ten kilobytes."""
FORM_BYTES_MAX = 400 * 1024
"""Of a form that brings an answer: base64 makes a third more of it."""
AT_ONCE = 8
"""Questions to one provider at the same time from one server process. What waits for a slow provider holds
nothing that local logons need: no thread, no connection to the database."""
WAIT_S_MAX = 1.0
"""In the line before one provider."""
FAILURES_MAX = 3
"""In a row, then the provider counts as down, and nobody waits for it any more."""
PAUSE_S_MIN, PAUSE_S_MAX = 5.0, 60.0
"""Between two looks at a provider that is down."""
LOOK_EVERY_S = 60.0
"""At a provider that answers: addresses and keys are read again, and that it's down is seen by itself."""
KEYS_AGAIN_S_MIN = 30.0
"""A key set is read again for a key that it doesn't have, but not more often: made-up tokens could ask."""
PROVIDERS_MAX = 20
VALUES_MAX = 500
"""Values of one claim: some directories send every group that somebody is in."""
TEXT_CHARACTERS_MAX = 1_024
"""Of one value; longer ones are dropped."""
