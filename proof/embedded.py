"""A widget without a browser: the same requests, and every byte that comes back."""

from __future__ import annotations

import re
import secrets

import httpx

from chatbot.web.widget_api import NAMES

_TOKEN = re.compile(r'"token": ?"([^"]+)"')
_TALK = re.compile(r'"conversation": ?"([0-9a-f]{32})"')


class Embedded:
    """One reader's widget, on a page of the server's own."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/widget/gradio_api", timeout=120, trust_env=False,
            headers={"Origin": url},
        )  # fmt: skip
        self._token = _found(_TOKEN, self._call("start", "", ""))

    def ask(self, question: str) -> tuple[str, str]:
        """Asks in a new conversation; gives all that came back, and the conversation."""
        read = self._call("ask", self._token, "", "", question)
        return read, _found(_TALK, read)

    def history(self, conversation: str) -> str:
        """What is there to be read again."""
        return self._call("history", self._token, "", conversation, {})

    def _call(self, name: str, *data: object) -> str:
        session = secrets.token_hex(6)
        joined = self._http.post(
            "/queue/join",
            json={"data": data, "fn_index": NAMES.index(name), "session_hash": session},
        )
        text = joined.text
        with self._http.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                text += f"{line}\n"
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        return text


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
