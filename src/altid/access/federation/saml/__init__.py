"""SAML 2.0 as a service provider speaks it: our request by redirect, their response by POST.

Signatures are checked by `signxml`; what is read afterwards is only what was signed (`signature`), never the
document that came. Everything here is pure.
"""
