"""What the surroundings decide: read once from the environment, handed to whoever needs it.

Always true:
- Nothing else in the program reads the environment.
- A wrong value is refused by the name of its variable; a secret is never part of a refusal, of `repr` or of a log.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec

from perpetua.app import secret_file
from perpetua.app.forwarded import HEADERS, ProxyHeader, networks
from perpetua.kit.errors import InvalidValue
from perpetua.kit.mail import Transport
from perpetua.kit.typeset import Letterhead

__all__ = ["SUPERVISED", "LogLevel", "Settings", "masked"]

LogLevel = Literal["debug", "info", "warning", "error"]
MIN_SECRET_LENGTH = 32
SUPERVISED = "PERPETUA_SUPERVISED"
"""Set by our own supervisor for the processes that it starts."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation runs. `Settings.load()` reads the environment; tests make it by hand."""

    home: Path
    """PERPETUA_HOME: where data, images and the secret live. Default: `var` of a clone, else the user's data folder."""
    database_url: str | None = None
    """DATABASE_URL: any PostgreSQL ≥ 15; None is the embedded one, in `home`."""
    host: str = "127.0.0.1"
    port: int = 8420
    """PERPETUA_BIND: `host:port` or `port`."""
    given_secret: str | None = None
    """PERPETUA_SECRET: signs sessions and tokens; when absent, made once and kept in `home` (mode 0600)."""
    given_old_secrets: tuple[str, ...] = ()
    """PERPETUA_OLD_SECRETS: secrets before PERPETUA_SECRET, by blank; what was made under them is still accepted."""
    log_level: LogLevel = "info"
    """PERPETUA_LOG_LEVEL."""
    web_workers: int = 1
    """PERPETUA_WORKERS: web processes. Default: half of the cores, as the database needs the others."""
    job_concurrency: int = 4
    """PERPETUA_JOBS: jobs that a worker runs at a time."""
    allowed_hosts: tuple[str, ...] = ()
    """PERPETUA_ALLOWED_HOSTS: names taken in the Host header, by comma, `*.example.org` for all below; none: any."""
    https: bool = False
    """PERPETUA_HTTPS: 1 where callers reach us over HTTPS: cookies are then secure, browsers told to insist on it."""
    trusted_proxies: tuple[str, ...] = ()
    """PERPETUA_TRUSTED_PROXIES: networks, by comma, of the proxies whose word about a caller's address counts."""
    proxy_header: ProxyHeader = "x-forwarded-for"
    """PERPETUA_PROXY_HEADER: where they write it; they must overwrite or add to it, whatever a caller sent."""
    metrics_token: str | None = None
    """PERPETUA_METRICS_TOKEN: what /metrics asks for; without it only the machine itself may read them."""
    archive_months: int = 0
    """PERPETUA_ARCHIVE_MONTHS: whole months that stay in the database; older ones go to files. 0: all stay."""
    expiry_days: int = 30
    """PERPETUA_EXPIRY_DAYS: so many days ahead people are told of lots that expire. 0: they are not."""
    smtp: Transport | None = None
    """PERPETUA_SMTP: the mail server, e.g. `smtp+starttls://user:password@mail.example.org`; None: no mail is sent."""
    mail_from: str = ""
    """PERPETUA_MAIL_FROM: the address that mail is from; needed where there is a mail server."""
    fonts: str | None = None
    """PERPETUA_FONTS: a folder of fonts (TTF, OTF) for papers and labels in letters that ours don't have."""
    letterhead: Letterhead = Letterhead()
    """PERPETUA_COMPANY: the company's name as its papers show it, then its address line by line, by `|`."""
    supervised: bool = False
    """A supervisor started this process, and it ends with it."""
    pool_min: int = 1
    pool_max: int = 10
    """PERPETUA_POOL: connections of one process at most."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read from the environment.

        Raises:
            InvalidValue: a variable's value cannot be taken.
        """
        env = os.environ if environment is None else environment
        host, port = _bind(env.get("PERPETUA_BIND", ""))
        secret, old = env.get("PERPETUA_SECRET") or None, tuple(env.get("PERPETUA_OLD_SECRETS", "").split())
        for name, given in (("PERPETUA_SECRET", secret), *(("PERPETUA_OLD_SECRETS", each) for each in old)):
            if given is not None and len(given) < MIN_SECRET_LENGTH:
                raise InvalidValue(name, "(hidden)", f"is too short; give at least {MIN_SECRET_LENGTH} letters")
        smtp = Transport.parse(env["PERPETUA_SMTP"]) if env.get("PERPETUA_SMTP") else None
        if smtp and "@" not in env.get("PERPETUA_MAIL_FROM", ""):
            raise InvalidValue("PERPETUA_MAIL_FROM", "", "must be the address that mail is from")
        return cls(
            home=Path(env.get("PERPETUA_HOME") or _default_home(env)).expanduser().absolute(),
            database_url=_plain_url(env.get("DATABASE_URL", "")),
            host=host,
            port=port,
            given_secret=secret,
            given_old_secrets=old,
            log_level=cast(LogLevel, _one_of(env, "PERPETUA_LOG_LEVEL", get_args(LogLevel), "info")),
            web_workers=_number(env, "PERPETUA_WORKERS", max(1, (os.cpu_count() or 1) // 2), 64),
            job_concurrency=_number(env, "PERPETUA_JOBS", 4, 64),
            allowed_hosts=tuple(
                filter(None, (host.strip() for host in env.get("PERPETUA_ALLOWED_HOSTS", "").split(",")))
            ),
            https=env.get("PERPETUA_HTTPS", "").lower() in {"1", "true", "yes", "on"},
            trusted_proxies=tuple(map(str, networks(env.get("PERPETUA_TRUSTED_PROXIES", "").split(",")))),
            proxy_header=cast(ProxyHeader, _one_of(env, "PERPETUA_PROXY_HEADER", HEADERS)),
            metrics_token=env.get("PERPETUA_METRICS_TOKEN") or None,
            archive_months=_number(env, "PERPETUA_ARCHIVE_MONTHS", 0, 1200, least=0),
            expiry_days=_number(env, "PERPETUA_EXPIRY_DAYS", 30, 3650, least=0),
            smtp=smtp,
            mail_from=env.get("PERPETUA_MAIL_FROM", ""),
            fonts=_folder(env, "PERPETUA_FONTS"),
            letterhead=_letterhead(env.get("PERPETUA_COMPANY", "")),
            supervised=env.get(SUPERVISED) == "1",
            pool_max=_number(env, "PERPETUA_POOL", 10, 500),
        )

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def archive_folder(self) -> Path:
        """Where archived months go."""
        return self.home / "archive"

    @property
    def secret(self) -> str:
        """The secret that signs sessions and tokens; made and kept in `home` at the first use."""
        return self.given_secret or secret_file.kept(self.home)[0]

    @property
    def old_secrets(self) -> tuple[str, ...]:
        """Secrets that were in use before, and are still accepted."""
        return self.given_old_secrets if self.given_secret else tuple(secret_file.kept(self.home)[1:])

    def __repr__(self) -> str:
        return f"Settings(home={str(self.home)!r}, database={masked(self.database_url or 'embedded')!r})"


def masked(url: str) -> str:
    """The address of a database without its password, fit for screens and logs."""
    from psycopg import ProgrammingError, conninfo

    if url == "embedded":
        return url
    try:
        parts: dict[str, Any] = dict(conninfo.conninfo_to_dict(url))
    except ProgrammingError:
        return "(unreadable address)"
    hidden = {key: "***" if key in {"password", "sslpassword"} else str(value) for key, value in parts.items()}
    return " ".join(f"{key}={value}" for key, value in hidden.items())


def _folder(env: Mapping[str, str], name: str) -> str | None:
    """The folder named by a variable; refused where there is none."""
    given = env.get(name)
    if given and not Path(given).is_dir():
        raise InvalidValue(name, given, "is no folder")
    return str(Path(given).absolute()) if given else None


def _letterhead(text: str) -> Letterhead:
    name, *lines = (part.strip() for part in text.split("|"))
    return Letterhead(name=name, lines=tuple(filter(None, lines)))


def _bind(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not text:
        return Settings.__struct_defaults__[1], Settings.__struct_defaults__[2]
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise InvalidValue("PERPETUA_BIND", text, "is no address; write it like 127.0.0.1:8420 or 8420")
    return host.strip("[]") or "127.0.0.1", int(port)


def _one_of(env: Mapping[str, str], name: str, words: Sequence[str], default: str | None = None) -> str:
    word = (env.get(name) or default or words[0]).lower()
    if word not in words:
        raise InvalidValue(name, word, f"is none of {', '.join(words)}")
    return word


def _number(env: Mapping[str, str], name: str, default: int, limit: int, *, least: int = 1) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not least <= int(text) <= limit:
        raise InvalidValue(name, text, f"is no whole number from {least} to {limit}")
    return int(text)


def _plain_url(text: str) -> str | None:
    """DATABASE_URL as libpq reads it; the SQLAlchemy spelling `postgresql+psycopg://` is understood."""
    from psycopg import ProgrammingError, conninfo

    if not text:
        return None
    scheme, separator, rest = text.partition("://")
    url = scheme.partition("+")[0] + separator + rest
    try:
        conninfo.conninfo_to_dict(url)
    except ProgrammingError:
        raise InvalidValue(
            "DATABASE_URL", "(hidden)", "is no address; write it like postgresql://user:password@host/name"
        ) from None
    return url


def _default_home(env: Mapping[str, str]) -> Path:
    clone = Path(__file__).resolve().parents[3]
    if (clone / "pyproject.toml").exists() and (clone / "migrations").exists():
        return clone / "var"
    return Path(env.get("XDG_DATA_HOME") or "~/.local/share") / "perpetua"
