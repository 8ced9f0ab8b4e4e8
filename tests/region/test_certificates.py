"""The region's own certificates: who gets which, what each allows, and when it is issued anew."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from altid.record.postgres import account as accounts
from altid.region import certificates, layout
from altid.region.builtin import builtin_region
from altid.region.certificates import Holder
from altid.region.error import RegionError
from altid.region.layout import Layout
from tests.region.certified import Certified

_LIFE = timedelta(days=397)


def _holder(made: Certified, name: str) -> Holder:
    return next(one for one in certificates.holders(made.where, made.region) if one.name == name)


def _certificate(made: Certified, name: str) -> x509.Certificate:
    file = certificates.identity(_holder(made, name).folder)
    return x509.load_pem_x509_certificate(file.read_bytes())


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def own(tmp_path: Path) -> Certified:
    """A region of one test's own, to be changed."""
    return Certified(tmp_path / "data")


@pytest.mark.parametrize("name", ["A", "B", "W", "operator", "monitoring"])
def test_everyone_has_a_certificate_and_the_key_that_fits_it(certified: Certified, name: str) -> None:
    pem = certificates.identity(_holder(certified, name).folder).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert key.public_key() == x509.load_pem_x509_certificate(pem).public_key()


def test_only_the_service_user_reads_any_of_it(certified: Certified) -> None:
    files = [*certified.where.data.rglob("*.pem"), *certified.where.data.rglob("*.key")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_places_folder_holds_its_own_key_and_no_other(certified: Certified) -> None:
    keys = [
        re.findall(r"-----BEGIN PRIVATE KEY-----.*?-----END", path.read_text(), re.DOTALL)
        for place in certified.region.places
        for path in certified.where.place(place.name).pki.iterdir()
    ]
    found = [key for file in keys for key in file]
    assert len(found) == len(set(found)) == len(certified.region.places)


def test_a_place_is_known_by_its_host_its_name_and_loopback(certified: Certified) -> None:
    names = _names(_certificate(certified, "A"))
    hosts = {str(host) for host in names.get_values_for_type(x509.IPAddress)}
    assert hosts == {certified.region.sites[0].host, "127.0.0.1"}
    assert {"A", "localhost"} <= set(names.get_values_for_type(x509.DNSName))


@pytest.mark.parametrize("name", ["operator", "monitoring"])
def test_who_is_no_place_cannot_pose_as_one(certified: Certified, name: str) -> None:
    certificate = _certificate(certified, name)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert _names(certificate).get_values_for_type(x509.IPAddress) == []


def test_who_only_looks_has_a_certificate_that_etcd_does_not_know(certified: Certified) -> None:
    trusted = certificates.authority(certified.where.place("A").pki).read_bytes()
    with pytest.raises(ValueError, match="does not match certificate issuer"):
        _certificate(certified, "monitoring").verify_directly_issued_by(
            x509.load_pem_x509_certificate(trusted)
        )


def test_a_second_start_changes_nothing(own: Certified) -> None:
    before = {path: path.read_bytes() for path in own.where.data.rglob("*.*")}
    certificates.make(own.where, own.region, accounts.current())
    assert {path: path.read_bytes() for path in own.where.data.rglob("*.*")} == before


@given(age=st.floats(min_value=0.0, max_value=1.5))
def test_a_certificate_is_renewed_when_less_than_a_third_of_its_life_is_left(
    certified: Certified, age: float
) -> None:
    certificate, holder = _certificate(certified, "B"), _holder(certified, "B")
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = begin + (end - begin) * age
    written: dict[Path, str] = {}
    done = certificates.renew(certified.where, holder, written.__setitem__, moment)
    assert done == (certificates.identity(holder.folder) in written) == (end - moment < (end - begin) / 3)


def test_a_renewed_certificate_has_a_new_key_and_the_same_authority(own: Certified) -> None:
    before, holder = _certificate(own, "A"), _holder(own, "A")
    assert certificates.renew(own.where, holder, _write, datetime.now(UTC) + _LIFE * 0.7)
    after = _certificate(own, "A")
    after.verify_directly_issued_by(
        x509.load_pem_x509_certificate(certificates.authority(own.where.pki).read_bytes())
    )
    assert after.public_key() != before.public_key()
    assert after.not_valid_after_utc > before.not_valid_after_utc


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_damaged_identity_is_made_anew(own: Certified, damage: bytes) -> None:
    certificates.identity(_holder(own, "A").folder).write_bytes(damage)
    certificates.make(own.where, own.region, accounts.current())
    assert _certificate(own, "A").not_valid_after_utc > datetime.now(UTC)


def test_a_key_that_does_not_fit_is_replaced(own: Certified) -> None:
    mine, other = (certificates.identity(_holder(own, name).folder) for name in "AB")
    certificate = mine.read_text().split("-----BEGIN PRIVATE KEY-----")[0]
    mine.write_text(certificate + "-----BEGIN PRIVATE KEY-----" + other.read_text().split("KEY-----", 1)[1])
    assert certificates.renew(own.where, _holder(own, "A"), _write)


def test_a_place_that_moved_gets_a_certificate_for_its_new_address(own: Certified) -> None:
    moved = replace(own.region.sites[0], host="127.0.9.9")
    assert certificates.renew(own.where, certificates.place_holder(own.where, moved), _write)
    assert IPv4Address("127.0.9.9") in _names(_certificate(own, "A")).get_values_for_type(x509.IPAddress)


def test_with_a_new_authority_everyone_gets_a_new_certificate(own: Certified) -> None:
    for file in own.where.pki.glob("*.*"):
        file.unlink()
    certificates.make(own.where, own.region, accounts.current())
    for holder in certificates.holders(own.where, own.region):
        assert not certificates.renew(own.where, holder, _write)
        own_issuer = certificates.authority(holder.folder).read_bytes()
        assert own_issuer == certificates.authority(own.where.pki).read_bytes()


def test_a_new_authority_is_never_made_under_a_running_place(own: Certified) -> None:
    (own.where.pki / "authority.key").unlink()
    with (
        layout.held(own.where.place("A").lock),
        pytest.raises(RegionError, match="authority of the region is gone"),
    ):
        certificates.make(own.where, own.region, accounts.current())


@pytest.mark.parametrize(("which", "name"), [("authority", "A"), ("watchers", "monitoring")])
def test_a_certificate_that_is_gone_is_made_of_its_authoritys_key(
    own: Certified, which: str, name: str
) -> None:
    key_file, file = own.where.pki / f"{which}.key", own.where.pki / f"{which}.pem"
    key, issued = key_file.read_bytes(), _certificate(own, name)
    file.unlink()
    with layout.held(own.where.place("A").lock):
        certificates.make(own.where, own.region, accounts.current())
    assert key_file.read_bytes() == key
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(file.read_bytes()))


def test_a_key_that_cannot_be_read_is_not_written_over(own: Certified) -> None:
    (own.where.pki / "authority.pem").unlink()
    (own.where.pki / "authority.key").write_text("nonsense")
    with pytest.raises(RegionError, match=r"authority\.key cannot be read"):
        certificates.make(own.where, own.region, accounts.current())
    assert (own.where.pki / "authority.key").read_text() == "nonsense"


def test_where_the_authoritys_key_is_not_nothing_is_issued(own: Certified) -> None:
    (own.where.pki / "authority.key").unlink()
    certificates.identity(_holder(own, "A").folder).unlink()
    assert not certificates.renew(own.where, _holder(own, "A"), _write)


def test_an_authoritys_key_that_cannot_be_read_is_told(own: Certified) -> None:
    (own.where.pki / "authority.key").write_text("nonsense")
    with pytest.raises(RegionError, match=r"authority\.key cannot be read"):
        certificates.renew(own.where, _holder(own, "A"), _write)


def test_no_certificate_outlives_its_authority(own: Certified) -> None:
    authority = x509.load_pem_x509_certificate(certificates.authority(own.where.pki).read_bytes())
    late = authority.not_valid_after_utc - timedelta(days=30)
    assert certificates.renew(own.where, _holder(own, "A"), _write, late)
    assert _certificate(own, "A").not_valid_after_utc == authority.not_valid_after_utc


def test_a_certificate_is_valid_for_clocks_that_are_behind(certified: Certified) -> None:
    made = datetime.now(UTC)
    assert _certificate(certified, "A").not_valid_before_utc < made - timedelta(minutes=50)


def test_the_next_to_end_comes_first_and_one_that_cannot_be_read_before_it(own: Certified) -> None:
    ends = [one.at for one in certificates.expiries(own.where, own.region) if one.at is not None]
    assert ends == sorted(ends)
    certificates.identity(_holder(own, "W").folder).write_text("nonsense")
    first = certificates.expiries(own.where, own.region)[0]
    assert (first.name, first.at, first.is_due) == ("W", None, True)


def test_a_folder_without_certificates_has_none_to_tell_of(tmp_path: Path) -> None:
    assert certificates.expiries(Layout(tmp_path), builtin_region()) == []
