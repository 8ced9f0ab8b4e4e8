"""Who: identity, sessions, tokens, and the door that stays open in a storm.

`logon` puts the ways of coming in together: password, re-entry at a ward's PC, passkey, a system's own key,
refresh. Each returns tokens or a `Refusal` in two languages. `tokens.Verifier` says who a request is from,
without asking the database. The parts can be used and tested alone; clock and randomness are arguments.
Passwords, tokens, PINs and keys leave this room only to the one they belong to, and are in no `repr`.
"""
