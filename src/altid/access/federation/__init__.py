"""Logon through the region's own identity providers: OpenID Connect and SAML 2.0.

`file` reads which providers there are, `providers` opens what a server process needs of them, `out` sends
somebody there and `back` lets in whoever comes back. What a provider says of somebody becomes a `Person`
(`claims`), and that an account (`members`). A provider that is slow or away is kept from everybody else by
time limits, a breaker and a line of its own (`health`, `fetching`).
"""
