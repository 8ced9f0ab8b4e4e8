"""FHIR R4 over HTTP: requests in, responses out.

`http.FhirApp` is the ASGI application; everything behind it works on the plain `messages.Request` and
`messages.Response`, so that an entry of a batch takes the very same way as a request of its own.
"""
