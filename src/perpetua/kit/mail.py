"""Mail: to people, over a mail server that the settings name.

Always true:
- A password goes over TLS or not at all, and the server's certificate is checked.
- Mail is sent by jobs, never while a request waits: a worker hands them its `Office`.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast, get_args
from urllib.parse import unquote, urlsplit

import msgspec

from perpetua.kit.errors import InvalidValue
from perpetua.kit.typeset import Letterhead

if TYPE_CHECKING:  # the settings of every command come by here, and few commands send mail
    import ssl
    from email.message import EmailMessage

    from perpetua.kit.jobs import JobContext

__all__ = ["Attachment", "Mailer", "Office", "SmtpMailer", "Transport", "context_of", "office_of"]

Security = Literal["smtp", "smtp+starttls", "smtps"]
PORTS: Final[dict[Security, int]] = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
PATIENCE_SECONDS: Final = 30
_OFFICE: Final = "office"


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a message. `media_type`: such as application/pdf."""

    name: str
    media_type: str
    content: bytes


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, to: Sequence[str], subject: str, text: str, *, files: Sequence[Attachment] = ()) -> None:
        """One message to all of `to`; a mail server has taken it on return. Raises OSError: none did."""
        ...


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to write to people: a mail server, where there is one, and whose paper it is."""

    mailer: Mailer | None = None
    letterhead: Letterhead = Letterhead()


def context_of(office: Office) -> dict[str, Any]:
    """What a worker hands to tasks that write to people."""
    return {_OFFICE: office}


def office_of(context: "JobContext") -> Office:
    """The office that the worker gave to its tasks."""
    given: dict[str, Any] = cast(Any, context).additional_context
    return given.get(_OFFICE) or Office()


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server, from an address such as `smtp+starttls://user:password@mail.example.org:587`."""

    security: Security
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "Transport":
        """Read it. Raises InvalidValue, which never shows it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in get_args(Security) or not host:
            raise _odd("is no address; write it like smtp+starttls://user:password@mail.example.org:587")
        security = cast(Security, parts.scheme)
        if parts.password and security == "smtp":
            raise _odd("would send its password in the clear; write smtp+starttls:// or smtps://")
        return cls(
            security=security, host=host, port=port or PORTS[security],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Transport({self.security}://{self.host}:{self.port})"


class SmtpMailer:
    """Sends over SMTP.

    Args:
        transport: the mail server.
        sender: the address that the mail is from.
        trust: whom to believe about the server's certificate; by default what the machine does.
    """

    def __init__(self, transport: Transport, sender: str, *, trust: "ssl.SSLContext | None" = None) -> None:
        self._transport = transport
        self._sender = sender
        self._trust = trust

    async def send(self, to: Sequence[str], subject: str, text: str, *, files: Sequence[Attachment] = ()) -> None:
        """One message to all of `to`; the server has taken it on return. Raises OSError."""
        from email.message import EmailMessage
        from email.utils import formatdate, make_msgid

        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, ", ".join(to), subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="perpetua.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        for file in files:
            kind, _, form = file.media_type.partition("/")
            message.add_attachment(file.content, maintype=kind, subtype=form, filename=file.name)
        await asyncio.to_thread(self._send, message)

    def _send(self, message: "EmailMessage") -> None:
        import smtplib
        import ssl

        where = self._transport
        trust = self._trust or ssl.create_default_context()
        if where.security == "smtps":
            server = smtplib.SMTP_SSL(where.host, where.port, timeout=PATIENCE_SECONDS, context=trust)
        else:
            server = smtplib.SMTP(where.host, where.port, timeout=PATIENCE_SECONDS)
        with server:
            if where.security == "smtp+starttls":
                server.starttls(context=trust)
            if where.user is not None:
                server.login(where.user, where.password or "")
            server.send_message(message)


def _odd(reason: str) -> InvalidValue:
    return InvalidValue("PERPETUA_SMTP", "(hidden)", reason)
