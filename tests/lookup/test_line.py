"""The line to the sources, over real sockets: TLS of the region, tokens, whichever site answers."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

from altid.lookup.copy import Copy
from altid.lookup.entry.line import Answer, LineDownError
from altid.lookup.settings import Source
from altid.lookup.sync.credentials import Credentials, CredentialsError, read_credentials
from altid.lookup.sync.feed import Feed
from altid.lookup.sync.line import Line
from altid.lookup.sync.syncer import SOURCE, Syncer
from tests.lookup.feeding import Record, observation, patient

AUDIENCE = "https://epj.example.org/access/token"


@dataclass
class Site:
    """One server of the region in a thread: its answers are those of `record`."""

    record: Record
    key: ECKey
    is_away: bool = False
    tokens: int = 0
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        self.asked.append(path)
        if self.is_away:
            return Answer(503, b"")
        if path == "/access/token":
            return self._token(body)
        if authorization != f"Bearer token-{self.tokens}":
            return Answer(401, b"")
        return asyncio.run(self.record(method, path, body))

    def _token(self, body: bytes) -> Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        claims = jwt.decode(form["client_assertion"], self.key, algorithms=["ES384"]).claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("ward-1", "ward-1", AUDIENCE)
        assert form["grant_type"] == "client_credentials"
        self.tokens += 1
        told = {"access_token": f"token-{self.tokens}", "expires_in": 300, "token_type": "Bearer"}
        return Answer(200, orjson.dumps(told))


@contextmanager
def serving(site: Site, certificate: Path, port: int = 0) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            found = site.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            self.send_response(found.status)
            self.send_header("content-length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = _serve  # noqa: N815  names of http.server

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def certificate(path: Path) -> Path:
    """Key and certificate in one file: signed by itself, so that it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "altid tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return certificate(tmp_path / "region.pem")


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-384", parameters={"kid": "k1"})


@pytest.fixture
def credentials(tmp_path: Path, key: ECKey) -> Credentials:
    """As they come out of their file."""
    path = tmp_path / "credentials.json"
    told = {"client_id": "ward-1", "audience": AUDIENCE, "key": key.as_dict(private=True)}
    path.write_bytes(orjson.dumps(told))
    return read_credentials(path)


def source(name: str, site: Site, authority: Path) -> Source:
    return Source(name, f"https://127.0.0.1:{site.port}", str(authority))


def test_either_site_whichever_can_be_reached(
    tmp_path: Path, trusted: Path, key: ECKey, credentials: Credentials
) -> None:
    """The first dies in the middle: the second is asked, from just where it was."""
    record = Record()
    record.put(patient("a"), observation("o1", "a"))
    copy = Copy.create(tmp_path / "copy.db", bytes(range(32)))

    async def follow(first: Site, second: Site) -> None:
        line = Line([source("A", first, trusted), source("B", second, trusted)], credentials)
        syncer = Syncer(copy, Feed(line))
        for _ in range(4):
            await syncer.step()
        assert line.name == "A"
        first.is_away = True
        record.put(observation("o2", "a"))
        await syncer.step()
        assert line.name == "B"
        assert not any("snapshot" in path for path in second.asked)
        await line.close()

    with serving(Site(record, key), trusted) as first, serving(Site(record, key), trusted) as second:
        asyncio.run(follow(first, second))
        assert (first.tokens, second.tokens) == (1, 1)
    assert copy.resource("Observation", "o2") is not None
    assert copy.positions()[SOURCE].cursor == "3"
    copy.close()


def test_a_token_that_is_not_taken_any_more_is_replaced_once(
    trusted: Path, key: ECKey, credentials: Credentials
) -> None:
    async def ask(site: Site) -> list[int]:
        line = Line([source("A", site, trusted)], credentials)
        found = [(await line("GET", "/feed/patients")).status]
        site.tokens += 1  # as if its keys had been changed
        found.append((await line("GET", "/feed/patients")).status)
        await line.close()
        return found

    with serving(Site(Record(), key), trusted) as site:
        assert asyncio.run(ask(site)) == [200, 200]


def test_who_can_not_prove_to_be_of_the_region_is_told_nothing(
    tmp_path: Path, trusted: Path, key: ECKey, credentials: Credentials
) -> None:
    strange = certificate(tmp_path / "strange.pem")

    async def ask(site: Site) -> None:
        line = Line([source("A", site, trusted)], credentials)
        with pytest.raises(LineDownError):
            await line("GET", "/feed/patients")
        await line.close()

    with serving(Site(Record(), key), strange) as site:
        asyncio.run(ask(site))
        assert site.asked == []


def test_nobody_there_is_no_line(trusted: Path, key: ECKey, credentials: Credentials) -> None:
    with serving(Site(Record(), key), trusted) as gone:
        pass

    async def ask() -> None:
        line = Line([source("A", gone, trusted)], credentials)
        with pytest.raises(LineDownError):
            await line("GET", "/feed/patients")
        await line.close()

    asyncio.run(ask())


@pytest.mark.parametrize("content", [b"", b"{}", b'{"client_id": "x", "audience": "y", "key": {"kty": "?"}}'])
def test_credentials_that_can_not_be_used_are_named_and_not_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    with pytest.raises(CredentialsError, match=r"credentials\.json") as raised:
        read_credentials(path)
    assert "kty" not in str(raised.value)
