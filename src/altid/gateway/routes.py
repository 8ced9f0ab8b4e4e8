"""What may be sent again, and to whom: the heart of a gateway that neither loses nor doubles a write.

Sent again, whatever the request, is only what was certainly not done: the connect failed, the server closed
before the request was on its way, or it said that its site is not the live record. An answer that was lost on
its way is asked for again only when asking twice does no harm: reads, and writes with an `Idempotency-Key`.
"""

from __future__ import annotations

from typing import Any

from altid.gateway.answers import KEY_HEADER, NOTHING_DONE_HEADER
from altid.gateway.clusters import OWN, SITE
from altid.gateway.plan import Gateway
from altid.gateway.wire import any_of, seconds

CLIENTS, BETWEEN = "clients", "between"
_NOTHING_DONE = "connect-failure,refused-stream,reset-before-request,retriable-headers"
_HARMLESS = f"{_NOTHING_DONE},reset,retriable-status-codes"
_LOST = 504
"""The server lost the answer of its database."""

_OWN_TRIES = 2
"""At a site before the other one is asked."""

_PAUSE_S_MIN, _PAUSE_S_MAX = 0.01, 0.1
"""Between tries, at random up to the doubled value of the try before."""

_READING = "GET|HEAD|OPTIONS"


def routes(gateway: Gateway) -> list[dict[str, Any]]:
    """The routes of both entrances."""
    return [
        _configuration(gateway, CLIENTS, SITE, append="ADD_IF_ABSENT"),
        _configuration(gateway, BETWEEN, OWN, append="OVERWRITE_IF_EXISTS_OR_ADD"),
    ]


def _configuration(gateway: Gateway, name: str, cluster: str, *, append: str) -> dict[str, Any]:
    """`Altid-Site` names the site that answered, which is the last one on the way."""
    host = {
        "name": name,
        "domains": ["*"],
        "routes": _ways(gateway, cluster),
        # What isn't kept can't be sent again.
        "request_body_buffer_limit": gateway.limits.body_bytes_max,
        "response_headers_to_add": [
            {"header": {"key": "altid-site", "value": gateway.site}, "append_action": append}
        ],
    }
    return {"name": name, "virtual_hosts": [host]}


def _ways(gateway: Gateway, cluster: str) -> list[dict[str, Any]]:
    limits = gateway.limits
    reading = {"name": ":method", "string_match": {"safe_regex": {"regex": _READING}}}
    keyed = {"name": KEY_HEADER, "present_match": True}
    once = _way(gateway, cluster, {"prefix": "/", "headers": [keyed]}, _HARMLESS, limits.write_s)
    if cluster == SITE:  # one try may have done nothing and another before it the write
        once["response_headers_to_remove"] = [NOTHING_DONE_HEADER]
    return [
        _way(gateway, cluster, {"prefix": "/", "headers": [reading]}, _HARMLESS, limits.read_s),
        _way(gateway, cluster, {"safe_regex": {"regex": "/.*/_search"}}, _HARMLESS, limits.read_s),
        once,
        _way(gateway, cluster, {"prefix": "/"}, _NOTHING_DONE, limits.write_s),
    ]


def _way(
    gateway: Gateway, cluster: str, match: dict[str, Any], retry_on: str, try_s: float
) -> dict[str, Any]:
    retry: dict[str, Any] = {
        "retry_on": retry_on,
        "num_retries": gateway.limits.tries_more_max,
        "per_try_timeout": seconds(try_s),
        "retriable_headers": [{"name": NOTHING_DONE_HEADER, "present_match": True}],
        "retry_back_off": {"base_interval": seconds(_PAUSE_S_MIN), "max_interval": seconds(_PAUSE_S_MAX)},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": any_of("previous_hosts", {}),
            }
        ],
        "host_selection_retry_max_attempts": len(gateway.servers) + 1,
    }
    if retry_on == _HARMLESS:
        retry["retriable_status_codes"] = [_LOST]
    if cluster == SITE:
        retry["retry_priority"] = {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": any_of(
                "previous_priorities", {"update_frequency": min(_OWN_TRIES, len(gateway.servers))}
            ),
        }
    return {
        "match": match,
        "route": {
            "cluster": cluster,
            "timeout": seconds(gateway.limits.answer_s),
            "retry_policy": retry,
        },
    }
