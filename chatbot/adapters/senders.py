"""Ways to tell an asker something outside the page: a webhook and e-mail.

Both may get a message twice when a process dies between handing it over and noting that: the
webhook knows it by its id, mail programs by its Message-ID.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from chatbot.clock import Clock, utc_now
from chatbot.errors import BadSettings, DeliveryFailed

_SECONDS = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
SUBJECTS = {
    "delivered": "Your question has been answered",
    "rejected": "Your question cannot be answered here",
    "needs_info": "There is a question about your question",
    "expired": "Nobody could look at your question in time",
    "recalled": "An answer that you were given has been taken back",
}


@dataclass(frozen=True, slots=True)
class OutMessage:
    """Something that an asker is told.

    Attributes:
        key: the same at each attempt, so that a receiver can tell a repetition.
        event: `delivered`, `rejected`, `needs_info`, `expired` or `recalled`.
        contact: e-mail address that the asker left; may be empty.
        text: what the gate lets through of the answer; `message`: what is said besides.
        quotes: marker, title and exact words of each source.
    """

    key: str
    event: str
    record: str
    conversation: str
    contact: str
    text: str
    message: str
    quotes: tuple[tuple[int, str, str], ...] = ()


class Sender(Protocol):
    """One way out."""

    def send(self, message: OutMessage) -> None:
        """Hands a message over.

        Raises:
            DeliveryFailed: it was not taken.
        """


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts messages as JSON, signed as the Standard Webhooks specification has it.

    The signature is `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`, in the header
    `webhook-signature`; the id is the idempotency key.
    """

    url: str
    secret: bytes
    clock: Clock = utc_now

    def send(self, message: OutMessage) -> None:
        body = json.dumps(_payload(message)).encode()
        headers = self._headers(message.key, body)
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise _failed("webhook", type(error).__name__) from error
        if not answer.is_success:
            raise _failed("webhook", f"HTTP {answer.status_code}")

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        stamp = str(int(self.clock().timestamp()))
        signed = hmac.new(self.secret, f"{key}.{stamp}.".encode() + body, hashlib.sha256)
        return {
            "content-type": "application/json",
            "idempotency-key": key,
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
        }


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends messages by SMTP, encrypted wherever the server can; a password never goes in clear.

    Args:
        url: smtp://USER:PASSWORD@HOST:PORT or smtps://…
        sender: address that the mail comes from.
    """

    url: str
    sender: str

    def send(self, message: OutMessage) -> None:
        if not message.contact:  # smtplib would send it to nobody, and say that it had
            raise _failed("mail server", "no address")
        try:
            with _connect(self.url) as server:
                server.send_message(_mail(message, self.sender))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # Their words may hold the address; the type is enough to know what to mend.
            raise _failed("mail server", type(error).__name__) from error


def _payload(message: OutMessage) -> Mapping[str, Any]:
    return {
        "type": f"answer.{message.event}",
        "record": message.record,
        "conversation": message.conversation,
        "text": message.text,
        "message": message.message,
        "sources": [{"marker": m, "title": t, "quote": q} for m, t, q in message.quotes],
    }


def _mail(message: OutMessage, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = SUBJECTS[message.event]
    mail["From"] = sender
    mail["To"] = message.contact
    mail["Date"] = format_datetime(datetime.now(UTC))
    # Made from the key, so that it is the same when the message is sent again.
    host = sender.rpartition("@")[2] or "localhost"
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    sources = "\n".join(f"[{m}] {title}: “{quote}”" for m, title, quote in message.quotes)
    parts = (f"{SUBJECTS[message.event]}.", message.message, message.text, sources)
    mail.set_content("\n\n".join(p for p in parts if p).replace("\x00", ""))
    return mail


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_SECONDS)
    try:
        _introduce(server, urlsplit(url), context)
    except BaseException:
        server.close()
        raise
    return server


def _introduce(server: smtplib.SMTP, url: SplitResult, context: ssl.SSLContext) -> None:
    server.ehlo()
    if url.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=context)
        server.ehlo()
    elif url.scheme == "smtp" and url.hostname not in _LOOPBACK:
        raise smtplib.SMTPNotSupportedError("the server offers no encryption")
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))


def check_mail_url(url: str) -> str:
    """The URL of a mail server, when it is one.

    Raises:
        BadSettings: it is not.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadSettings(
            "The mail server's URL cannot be used.",
            "Write smtp://USER:PASSWORD@HOST:PORT or smtps://… in COUNTERSIGN_SMTP_URL.",
        )
    return url


def _failed(receiver: str, why: str) -> DeliveryFailed:
    return DeliveryFailed(
        f"The {receiver} did not take a message ({why}).", "It is tried again later."
    )
