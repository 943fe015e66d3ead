"""An asker's page without a browser: the same requests, and every byte that comes back."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import httpx

from chatbot.web.chat import _EVENTS

_CONVERSATION = re.compile(r'data-conversation=\\?"([0-9a-f]{32})')
_RECORD = re.compile(r'data-record=\\?"([0-9a-f]{32})')


class Browser:
    """One reader's browser; each request gives everything that came back.

    Args:
        cookies: of another one, to be the same reader.
    """

    def __init__(self, url: str, cookies: httpx.Cookies | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=120, trust_env=False, cookies=cookies)
        self._http.get("/")

    @property
    def cookies(self) -> httpx.Cookies:
        """What it was given to keep."""
        return self._http.cookies

    def event(self, name: str, **data: Any) -> str:
        """Does what the page does when something happens on it; gives what the server sent."""
        session = secrets.token_hex(6)
        joined = self._http.post(
            "/gradio_api/queue/join",
            json={
                "data": [None],
                "event_data": data,
                "fn_index": _EVENTS.index(name),
                "session_hash": session,
                "trigger_id": None,
            },
        )
        text = joined.text
        with self._http.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": session}
        ) as stream:
            for line in stream.iter_lines():
                text += f"{line}\n"
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        return _plain(text)

    def get(self, path: str) -> str:
        """A plain request."""
        return self._http.get(path).text

    def post(self, path: str, body: Any) -> str:
        """A request to an address that programs use."""
        return self._http.post(path, json=body).text

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


def conversation_in(text: str) -> str:
    """The id of the conversation that the server named last; empty: none."""
    found = _CONVERSATION.findall(text)
    return found[-1] if found else ""


def record_in(text: str) -> str:
    """The id of the turn that the server named last; empty: none."""
    found = _RECORD.findall(text)
    return found[-1] if found else ""


def _plain(text: str) -> str:
    """Events as text, their JSON escapes undone."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.strip()]
    decoded = []
    for line in lines:
        try:
            decoded.append(json.dumps(json.loads(line), ensure_ascii=False))
        except ValueError:
            decoded.append(line)
    return "\n".join(decoded).replace('\\"', '"')
