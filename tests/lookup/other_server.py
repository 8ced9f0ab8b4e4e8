"""A little FHIR server in memory, for what no real one does when it is asked to: restore, lie, break off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

BASE = "https://epj.example/fhir"
_START = datetime(2026, 11, 1, 12, tzinfo=UTC)


class OtherServer:
    """`transport` stands in for the network."""

    def __init__(self, *, history: bool = True, export: bool = False) -> None:
        self.with_history, self.with_export = history, export
        self.now = _START
        self.state: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, int] = {}
        self.log: list[tuple[str, str, datetime, dict[str, Any] | None]] = []
        self.asked: list[httpx.Request] = []
        self.hidden: set[str] = set()
        self.next_base = BASE
        self.with_next, self.with_times = True, True
        self.answers: list[httpx.Response] = []
        self.files: dict[str, list[bytes]] = {}
        self.transport = httpx.MockTransport(self.handle)

    def put(self, type_: str, id_: str, *, after_ms: int = 1, **body: Any) -> None:
        self.now += timedelta(milliseconds=after_ms)
        key = f"{type_}/{id_}"
        self.versions[key] = self.versions.get(key, 0) + 1
        meta = {"versionId": str(self.versions[key]), "lastUpdated": _text(self.now)}
        self.state[key] = {"resourceType": type_, "id": id_, "meta": meta, **body}
        self.log.append((type_, id_, self.now, self.state[key]))

    def delete(self, type_: str, id_: str) -> None:
        self.now += timedelta(milliseconds=1)
        self.state.pop(f"{type_}/{id_}", None)
        self.log.append((type_, id_, self.now, None))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.answers:
            return self.answers.pop(0)
        path = request.url.path.removeprefix("/fhir/")
        asked = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        if path == "metadata":
            return _json(self._capability())
        if path == "$export":
            return self._export(asked)
        if path == "status":
            return self._manifest(request)
        if path.startswith("file/"):
            lines = self.files.get(path)
            return httpx.Response(404) if lines is None else httpx.Response(200, content=b"\n".join(lines))
        if path.endswith("/_history"):
            return self._page(request, self._past(path.partition("/")[0], asked), asked)
        if "/" in path:
            found = self.state.get(path)
            return _json(found) if found else httpx.Response(410)
        return self._page(request, self._found(path, asked), asked)

    def _capability(self) -> dict[str, Any]:
        codes = ["read", "search-type", *(["history-type"] if self.with_history else [])]
        types = ("Patient", "Observation")
        resources = [{"type": one, "interaction": [{"code": code} for code in codes]} for one in types]
        return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": resources}]}

    def _found(self, type_: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        found = [one for one in self.state.values() if one["resourceType"] == type_]
        found = [one for one in found if f"{type_}/{one['id']}" not in self.hidden]
        if "_id" in asked:
            found = [one for one in found if one["id"] in asked["_id"].split(",")]
        if "_lastUpdated" in asked:
            after = asked["_lastUpdated"].removeprefix("ge")
            found = [one for one in found if one["meta"]["lastUpdated"] >= after]
        found.sort(key=lambda one: one["meta"]["lastUpdated"])
        return [{"resource": one, "search": {"mode": "match"}} for one in found]

    def _past(self, type_: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        past = [one for one in reversed(self.log) if one[0] == type_ and _text(one[2]) >= asked["_since"]]
        return [
            {"resource": body}
            if body
            else {"request": {"method": "DELETE", "url": f"{type_}/{id_}"}, "response": {"status": "204"}}
            for _, id_, _, body in past
        ]

    def _page(self, request: httpx.Request, found: list[Any], asked: dict[str, str]) -> httpx.Response:
        start, count = int(asked.get("start", 0)), int(asked["_count"])
        links = []
        if not self.with_times:
            found = [{"resource": {**one["resource"], "meta": {}}} for one in found]
        if self.with_next and start + count < len(found):
            url = f"{self.next_base}{request.url.path.removeprefix('/fhir')}"
            after = httpx.QueryParams(asked | {"start": str(start + count)})
            links = [{"relation": "next", "url": f"{url}?{after}"}]
        bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "total": len(found)}
        return _json({**bundle, "entry": found[start : start + count]})

    def _export(self, asked: dict[str, str]) -> httpx.Response:
        if not self.with_export:
            return httpx.Response(404)
        self.files = {}
        for type_ in asked["_type"].split(","):
            lines = [json.dumps(one).encode() for one in self.state.values() if one["resourceType"] == type_]
            self.files[f"file/{type_}"] = lines
        return httpx.Response(202, headers={"content-location": f"{BASE}/status"})

    def _manifest(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            self.files = {}
            return httpx.Response(202)
        if not self.files:
            return httpx.Response(404)
        output = [
            {"type": name.partition("/")[2], "url": f"{BASE}/{name}"}
            for name in self.files
            if self.files[name]
        ]
        told = {
            "transactionTime": _text(self.now),
            "requiresAccessToken": True,
            "output": output,
            "error": [],
        }
        return _json(told)


def _json(value: Any) -> httpx.Response:
    return httpx.Response(200, json=value)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
