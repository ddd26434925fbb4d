"""Mail goes out over the server that the settings name, and a password over TLS alone."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from perpetua.app.settings import Settings
from perpetua.kit.errors import InvalidValue
from perpetua.kit.mail import Attachment, SmtpMailer, Transport


class Inbox:
    """A mail server's side: what it was given."""

    def __init__(self) -> None:
        self.to: list[list[str]] = []
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.content, bytes)
        self.to.append(list(envelope.rcpt_tos))
        made = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.messages.append(made)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def plain(inbox: Inbox) -> Iterator[Transport]:
    """A server without TLS, as on the machine itself."""
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    yield Transport(security="smtp", host="127.0.0.1", port=server.port)
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


async def test_mail_arrives_as_it_was_written(plain: Transport, inbox: Inbox) -> None:
    await SmtpMailer(plain, "perpetua@example.org").send(["a@example.org", "b@example.org"], "Größe", "Zwölf\n.\nend\n")
    assert inbox.to == [["a@example.org", "b@example.org"]]
    message = inbox.messages[0]
    assert (message["From"], message["Subject"]) == ("perpetua@example.org", "Größe")
    assert message.get_content().splitlines() == ["Zwölf", ".", "end"]


async def test_files_go_with_it(plain: Transport, inbox: Inbox) -> None:
    file = Attachment(name="Bestellung für uns.pdf", media_type="application/pdf", content=b"%PDF-1.7 \x00\xff")
    await SmtpMailer(plain, "perpetua@example.org").send(["a@example.org"], "x", "see below", files=[file])
    body = inbox.messages[0].get_body()
    assert body is not None
    assert body.get_content().strip() == "see below"
    (part,) = inbox.messages[0].iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == (file.name, file.media_type)
    assert part.get_content() == file.content


async def test_a_subject_cannot_add_a_header(plain: Transport, inbox: Inbox) -> None:
    with pytest.raises(ValueError):
        await SmtpMailer(plain, "perpetua@example.org").send(["a@example.org"], "x\nBcc: c@example.org", "y")
    assert inbox.messages == []


async def test_a_password_goes_over_tls_to_a_server_that_is_known(inbox: Inbox, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    seen: list[Any] = []

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        seen.append((given.login, given.password))
        return AuthResult(success=True)

    server = Controller(
        inbox, hostname="127.0.0.1", port=free_port(), tls_context=tls, require_starttls=True,
        authenticator=authenticate, auth_required=True,
    )  # fmt: skip
    server.start()
    try:
        where = Transport.parse(f"smtp+starttls://us%40er:p%3Aw@127.0.0.1:{server.port}")
        with pytest.raises(ssl.SSLCertVerificationError):
            await SmtpMailer(where, "perpetua@example.org").send(["a@example.org"], "x", "y")
        assert seen == []
        trust = ssl.create_default_context(cafile=str(certificate))
        await SmtpMailer(where, "perpetua@example.org", trust=trust).send(["a@example.org"], "x", "y")
    finally:
        server.stop()
    assert seen == [(b"us@er", b"p:w")]
    assert len(inbox.messages) == 1


async def test_a_server_that_is_away_is_an_os_error() -> None:
    away = Transport(security="smtp", host="127.0.0.1", port=free_port())
    with pytest.raises(OSError):
        await SmtpMailer(away, "perpetua@example.org").send(["a@example.org"], "x", "y")


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:port", "smtp://user:hush-hush@h"]
)
def test_an_odd_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        Settings.load({"PERPETUA_SMTP": url, "PERPETUA_MAIL_FROM": "a@example.org"})
    assert "hush-hush" not in refusal.value.detail
    with pytest.raises(InvalidValue, match="MAIL_FROM"):
        Settings.load({"PERPETUA_SMTP": "smtps://h"})
    good = Settings.load({"PERPETUA_SMTP": "smtps://u:hush-hush@h", "PERPETUA_MAIL_FROM": "a@example.org"})
    assert good.smtp
    assert good.smtp.port == 465
    assert "hush-hush" not in repr(good) + repr(good.smtp)
