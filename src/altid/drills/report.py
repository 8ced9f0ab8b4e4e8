"""The report of a run: one page that somebody who must decide can read, with the figures behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

_EVENTS_MAX = 40
_TOLD = {
    "fault injected",
    "fault healed",
    "decision",
    "handover",
    "set aside",
    "waited for",
    "live",
    "not live",
    "part died",
    "place killed",
    "place started",
    "switchover asked",
}
"""Events that explain what happened; the timeline holds all."""


def markdown(result: dict[str, Any], timeline: Iterable[dict[str, Any]]) -> str:
    """The page, with the picture beside it."""
    verdict = "passed" if result["passed"] else "FAILED"
    parts = [
        f"# Drill {result['drill']}: {verdict}",
        f"{_sentence(result['about'])} Begun {result['began']}, seed {result['seed']}.",
        _summary(result),
        _table(_promises(result)),
        "![Latency of every operation; the fault is shaded](latency.svg)",
        "## Figures\n\n" + _table(_figures(result)),
        *_findings(result),
        "## What happened\n\nIn seconds since the fault.\n\n" + _timeline(list(timeline), result["began"]),
        "## Run with\n\n" + ", ".join(f"{name} {value}" for name, value in result["versions"].items()),
        "Every operation of every client is in `operations.jsonl`, what each site held in the end in "
        "`kept.jsonl`, all events in `timeline.jsonl`, the result for programs in `result.json`.",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(result: dict[str, Any]) -> str:
    moved = result["leader"]["after"] != result["leader"]["before"]
    lead = f"the lead went to {result['leader']['after']}" if moved else "the lead stayed where it was"
    return (
        f"{result['clients']} clients wrote and read at both sites. {result['acknowledged']} writes were "
        f"acknowledged. After the fault the first write succeeded within {result['rto_s']['write']} s; "
        f"{lead}. Both sites held every write again {result['back_s']} s after the fault was over."
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


_PROMISES = {
    "missing": "acknowledged and missing",
    "duplicated": "done more often than sent",
    "stale_reads": "reads that went back in time",
    "two_leaders": "two leaders acknowledging",
    "answered_without_quorum": "answered without a quorum",
    "unfounded": "registered and never sent, or refused",
    "forked": "orders with two different receipts",
    "unlisted": "uncertain orders that the reconciliation does not list",
    "wrongly_listed": "orders that it lists and whose outcome is known",
    "patients_missing": "affected patients that it does not list",
    "patients_wrong": "patients that it lists and who are not affected",
}
"""What must be 0, as far as a drill looks for it."""


def _promises(result: dict[str, Any]) -> Sequence[tuple[str, str, str]]:
    found = [(text, str(result[name]), "") for name, text in _PROMISES.items() if name in result]
    return [("what must be 0", "found", ""), *found]


_COUNTED = {
    "signed": "orders and changes that were signed",
    "uncertain": "truly uncertain in the end",
    "listed": "listed by the reconciliation",
    "affected_patients": "affected patients that it lists",
    "told_late": "registered, and their clients not told before the end",
}


def _figures(result: dict[str, Any]) -> Sequence[tuple[str, str, str]]:
    rows = [
        ("figure", "value", "unit"),
        ("first write after the fault", str(result["rto_s"]["write"]), "s"),
        ("longest pause of writes", str(result["write_pause_s"]), "s"),
        ("writes whose outcome stayed unknown", str(result["unknown"]), ""),
        ("whole again after the heal", str(result["back_s"]), "s"),
    ]
    if "reads_failed_at_better_site" in result:
        rows.append(("longest gap of reads at the better site", str(result["rto_s"]["read"]), "s"))
        rows.append(("reads that failed there", str(result["reads_failed_at_better_site"]), ""))
    for kind, taken in result["latency_ms"].items():
        rows.append((f"{kind} p50 / p99 / max", f"{taken['p50']} / {taken['p99']} / {taken['max']}", "ms"))
    rows += [(text, str(result[name]), "") for name, text in _COUNTED.items() if name in result]
    for name, value in result["measured"].items():
        for row in value if isinstance(value, list) else [value]:
            rows.append((name, _plain(row), ""))
    return rows


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _findings(result: dict[str, Any]) -> Iterable[str]:
    if result["findings"]:
        yield "## Not as it should be\n\n" + "\n".join(f"- {one}" for one in result["findings"])


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    wide = any(unit for _, _, unit in rows)
    lines = ["| " + " | ".join(row if wide else row[:2]) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * (3 if wide else 2) + "|", *lines[1:]])


def _timeline(timeline: Sequence[dict[str, Any]], began: str) -> str:
    told = [event for event in timeline if event.get("event") in _TOLD]
    faults = [event["time"] for event in told if event["event"] == "fault injected"]
    start = datetime.fromisoformat(faults[0] if faults else began)
    lines = []
    for event in told[:_EVENTS_MAX]:
        after_s = (datetime.fromisoformat(event["time"]) - start).total_seconds()
        lines.append(f"- {after_s:.2f} s, {event['place']}: {event['event']} {_why(event)}".rstrip())
    if len(told) > _EVENTS_MAX:
        lines.append(f"- and {len(told) - _EVENTS_MAX} more")
    return "\n".join(lines)


def _why(event: dict[str, Any]) -> str:
    reasons = event.get("reasons") or [event.get("fault") or event.get("reason") or event.get("outcome")]
    words = [str(one) for one in [event.get("part"), *reasons] if one and one != "guardian"]
    return f"({'; '.join(words)})" if words else ""
