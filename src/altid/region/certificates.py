"""The region's own certificates: two authorities, and an identity for each who speaks on a line.

```
DATA/pki/            authority.key authority.pem  watchers.key watchers.pem    keys never leave this folder
DATA/pki/operator/   identity.pem authority.pem                whoever runs `altid`
DATA/pki/monitoring/ identity.pem authority.pem                whoever only looks
DATA/A/pki/          identity.pem authority.pem callers.pem    one folder a place: its own identity, no other
```
An identity is one file, certificate and key together: renewing it is one rename, and nobody ever reads a key
that doesn't fit. etcd can't tell one certificate of an authority from another (over its JSON gateway), so
whoever may only look has one of a second authority, which Patroni and the guardian trust as well
(`callers.pem`), and nobody else does. The names below `.altid` say what a holder may do elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region.error import RegionError
from altid.region.layout import Layout, make_folder
from altid.region.layout import holder as holder_of
from altid.region.topology import Place, Region, Site

MAY_BE_MEMBER = "member.altid"
"""May be a member of the region's etcd."""
MAY_REACH_DATABASE = "database.altid"
"""May open a line to a site's PostgreSQL (which then asks for a password)."""

OPERATOR, MONITORING = "operator", "monitoring"
_AUTHORITY, _WATCHERS = "authority", "watchers"

_AUTHORITY_LIFE = timedelta(days=3652)
_LIFE = timedelta(days=397)
"""A little more than a year: a stolen key is worth something for so long at most."""

_RENEWED_BELOW = 1 / 3
"""A certificate is issued anew when less than this part of its life is left: months before it ends."""

_SKEW = timedelta(hours=1)
"""Certificates are valid from this long before they were made: clocks differ."""

Write = Callable[[Path, str], None]
"""Makes a file that only the service user may read, complete or not at all."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets a certificate: its name, where its identity lies, its addresses and what it may do."""

    name: str
    folder: Path
    addresses: tuple[str, ...] = ()
    """Where it serves. None: it only asks."""
    rights: tuple[str, ...] = ()
    issuer: str = _AUTHORITY
    only_serves: bool = False
    """It asks nobody: none of the region's parts takes its certificate for that of a caller."""


class Expiry(NamedTuple):
    """When a certificate ends. None: it cannot be read."""

    name: str
    at: datetime | None
    is_due: bool
    """It should have been renewed by now."""


class _Authority(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    text: str


def identity(folder: Path) -> Path:
    """The file with the certificate and the key of the holder whose folder this is."""
    return folder / "identity.pem"


def authority(folder: Path) -> Path:
    """The file with the certificate that those who answer, and mostly those who ask, are checked by."""
    return folder / "authority.pem"


def callers(folder: Path) -> Path:
    """The file with the certificates that those who ask a place's Patroni or guardian are checked by."""
    return folder / "callers.pem"


def files(folder: Path) -> tuple[Path, Path, Path]:
    """What a place's folder holds."""
    return identity(folder), authority(folder), callers(folder)


def place_holder(where: Layout, place: Place) -> Holder:
    """A place: it serves and asks at its own address, and may do everything."""
    rights = (MAY_BE_MEMBER, MAY_REACH_DATABASE)
    return Holder(place.name, where.place(place.name).pki, (place.host, "127.0.0.1"), rights)


def lookup_holder(where: Layout, site: Site) -> Holder:
    """A site's lookup record: it serves at the site's address, and that is all."""
    folder = where.place(site.name).lookup_pki
    return Holder(f"{site.name}-lookup", folder, (site.host, "127.0.0.1"), only_serves=True)


def of_place(where: Layout, place: Place) -> tuple[Holder, ...]:
    """All that belong to a place."""
    own = place_holder(where, place)
    return (own, lookup_holder(where, place)) if isinstance(place, Site) else (own,)


def people(where: Layout) -> tuple[Holder, Holder]:
    """The holders that are no places: the operator, and monitoring."""
    operator = Holder(OPERATOR, where.pki / OPERATOR, rights=(MAY_REACH_DATABASE,))
    return operator, Holder(MONITORING, where.pki / MONITORING, issuer=_WATCHERS)


def holders(where: Layout, region: Region) -> tuple[Holder, ...]:
    """Everyone who has a certificate."""
    return (*(one for place in region.places for one in of_place(where, place)), *people(where))


def make(where: Layout, region: Region, account: Account) -> None:
    """Make whatever is missing or due. Raises `RegionError`."""
    running = [place.name for place in region.places if holder_of(where.place(place.name).lock) is not None]
    if running and not _key_file(where, _AUTHORITY).exists():
        raise RegionError(
            f"The authority of the region is gone from {where.pki}, and {', '.join(running)} runs: "
            "bring it back, or `altid down` and start again with a new one."
        )

    def write(path: Path, text: str) -> None:
        write_owned(path, text, account)

    make_folder(where.pki, account)
    make_authorities(where, region, write)
    for holder in holders(where, region):
        make_folder(holder.folder, account)
        renew(where, holder, write)


def make_authorities(where: Layout, region: Region, write: Write, now: datetime | None = None) -> None:
    """Make the authorities that the region lacks. Whatever the old ones issued is worth nothing then.

    A key that is there is kept: where only its certificate is gone, what it issued stays good.
    Raises `RegionError` if such a key can't be read.
    """
    for which in (_AUTHORITY, _WATCHERS):
        if not (_key_file(where, which).exists() and _certificate_file(where, which).exists()):
            _make_authority(where, which, f"Altid region {region.name}, {which}", write, now)


def _make_authority(where: Layout, which: str, name: str, write: Write, now: datetime | None) -> None:
    is_new = not _key_file(where, which).exists()
    key = ec.generate_private_key(ec.SECP256R1()) if is_new else _authority_key(where, which)
    moment = now or datetime.now(UTC)
    certificate = (
        _builder(_name(name), _name(name), key.public_key(), moment, moment + _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    if is_new:
        write(_key_file(where, which), _pem(key))
    write(_certificate_file(where, which), _pem(certificate))


def renew(where: Layout, holder: Holder, write: Write, now: datetime | None = None) -> bool:
    """Issue the holder's certificate anew if it is due; whether that was done.

    Where the authority's key is not (the places of a region on many hosts), nothing is done.
    Raises `RegionError` if the key is there and can't be read.
    """
    moment = now or datetime.now(UTC)
    if not _key_file(where, holder.issuer).exists():
        return False
    issuer, trusted = _authority(where, holder.issuer), _trusted(where, holder)
    if all(_text(file) == text for file, text in trusted.items()) and not _is_due(holder, issuer, moment):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    for file, text in trusted.items():
        write(file, text)
    write(identity(holder.folder), _pem(_issued(holder, key, issuer, moment)) + _pem(key))
    return True


def expiries(where: Layout, region: Region, now: datetime | None = None) -> list[Expiry]:
    """When each certificate of the region that lies here ends, the authorities' too; the next one first."""
    moment = now or datetime.now(UTC)
    authorities = (_AUTHORITY, _WATCHERS) if where.pki.exists() else ()
    found = [_expiry(which, _certificate_file(where, which), moment) for which in authorities]
    found += [_expiry(one.name, identity(one.folder), moment) for one in _here(where, region)]
    return sorted(found, key=lambda one: one.at or datetime.min.replace(tzinfo=UTC))


def _here(where: Layout, region: Region) -> Iterator[Holder]:
    return (holder for holder in holders(where, region) if holder.folder.parent.exists())


def _expiry(name: str, file: Path, now: datetime) -> Expiry:
    certificate = _certificate(file)
    if certificate is None:
        return Expiry(name, None, is_due=True)
    return Expiry(name, certificate.not_valid_after_utc, is_due=_is_old(certificate, now))


def _issued(
    holder: Holder, key: ec.EllipticCurvePrivateKey, found: _Authority, now: datetime
) -> x509.Certificate:
    end = min(now + _LIFE, found.certificate.not_valid_after_utc)
    usages = [] if holder.only_serves else [ExtendedKeyUsageOID.CLIENT_AUTH]
    if holder.addresses:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(found.key.public_key())
    return (
        _builder(_name(holder.name), found.certificate.subject, key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(holder)), critical=False)
        .add_extension(issuer, critical=False)
        .sign(found.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _alternative_names(holder: Holder) -> list[x509.GeneralName]:
    hosts = sorted({ipaddress.ip_address(address) for address in holder.addresses}, key=str)
    local = ["localhost"] if hosts else []
    names = [holder.name, *local, *holder.rights]
    return [*(x509.IPAddress(host) for host in hosts), *(x509.DNSName(name) for name in names)]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _is_due(holder: Holder, issuer: _Authority, now: datetime) -> bool:
    """Whether the holder lacks a certificate that fits: this authority's, with its names and key, fresh."""
    certificate = _certificate(identity(holder.folder))
    if certificate is None:
        return True
    try:
        certificate.verify_directly_issued_by(issuer.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = serialization.load_pem_private_key(identity(holder.folder).read_bytes(), None)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound, OSError):
        return True
    fits = key.public_key() == certificate.public_key() and list(names) == _alternative_names(holder)
    return not fits or _is_old(certificate, now)


def _is_old(certificate: x509.Certificate, now: datetime) -> bool:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begin or end - now < (end - begin) * _RENEWED_BELOW


def _trusted(where: Layout, holder: Holder) -> dict[Path, str]:
    """The files that say whom the holder trusts, and what they must hold."""
    own = _authority(where, _AUTHORITY).text
    trusted = {authority(holder.folder): own}
    if holder.addresses and not holder.only_serves:
        trusted[callers(holder.folder)] = own + _authority(where, _WATCHERS).text
    return trusted


def _key_file(where: Layout, which: str) -> Path:
    return where.pki / f"{which}.key"


def _certificate_file(where: Layout, which: str) -> Path:
    return where.pki / f"{which}.pem"


def _authority(where: Layout, which: str) -> _Authority:
    key, file = _authority_key(where, which), _certificate_file(where, which)
    certificate, text = _certificate(file), _text(file)
    if certificate is None or text is None:
        raise RegionError(f"{file} cannot be read, or doesn't fit the key beside it.")
    return _Authority(key, certificate, text)


def _authority_key(where: Layout, which: str) -> ec.EllipticCurvePrivateKey:
    file = _key_file(where, which)
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RegionError(f"{file} cannot be read: the key of the region's authority is there.")
    return key


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except (OSError, ValueError):
        return None


def _certificate(file: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return None


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(thing: ec.EllipticCurvePrivateKey | x509.Certificate) -> str:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return thing.private_bytes(serialization.Encoding.PEM, form, plain).decode()
