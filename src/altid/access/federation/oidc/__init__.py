"""OpenID Connect as a relying party speaks it: authorization code with PKCE, state and nonce (Core §3.1)."""
