"""The door of a site: an Envoy before its servers, and the servers' replacement one by one behind it.

Clients come here by HTTPS. A request goes to one of the site's own servers; when none of them is well, to the
other site's gateway, and from there only to that site's own servers, never back. `configuration` renders what
Envoy reads, as pure functions from plain data; `files` writes it and says who is drained; `rollout` drains,
restarts and puts back. The room knows processes and ports, never a patient.
"""
