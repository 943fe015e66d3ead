"""What `bench.load` starts beside the application: a model that is a stub, and a stock chat page.

python -m bench.load_servers stub PORT          OpenAI's API, one sentence as fast as it goes
python -m bench.load_servers paced PORT         the same, 25 pieces a second
python -m bench.load_servers slow PORT          the same, after two seconds
python -m bench.load_servers stock PORT STUB    gr.ChatInterface over it, as in Gradio's guide
python -m bench.load_servers raised PORT STUB   the same, with 64 answers at once instead of one
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

_SAYS = "A replacement card takes five working days, and it costs nothing [1]."
_PASSAGE = re.compile(r"^\[1\][^\n]*\n(.+?)(?=\n\n|\n\[|\Z)", re.MULTILINE | re.DOTALL)


def stub(port: int, seconds: float = 0.0, pause: float = 0.0) -> None:
    """A model that copies the first sentence of its first passage, or says one of that length,
    a character at a time.

    Args:
        seconds: before the first.
        pause: between two, in seconds.
    """
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    async def answer(request: Request) -> Response:
        prompt = str((await request.json())["messages"][-1]["content"])
        await asyncio.sleep(seconds)
        return StreamingResponse(_stream(_reply(prompt), pause), media_type="text/event-stream")

    routes = [Route("/v1/chat/completions", answer, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error")


def _reply(prompt: str) -> str:
    found = _PASSAGE.search(prompt)
    return f"{found[1].strip().split('. ')[0].rstrip('.')} [1]." if found else _SAYS


async def _stream(pieces: str, pause: float) -> AsyncIterator[str]:
    for piece in pieces:
        if pause:
            await asyncio.sleep(pause)
        yield f"data: {json.dumps(_chunk(piece, None))}\n\n"
    yield f"data: {json.dumps(_chunk('', 'stop'))}\n\ndata: [DONE]\n\n"


def _chunk(text: str, reason: str | None) -> dict[str, Any]:
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {
        "id": "stub", "object": "chat.completion.chunk", "created": 0, "model": "stub",
        "system_fingerprint": "", "choices": [choice],
    }  # fmt: skip


def stock(port: int, model: str, **settings: int) -> None:
    """Gradio's own chat page, with its own settings unless told others."""
    import gradio as gr
    import httpx

    http = httpx.Client(trust_env=False, timeout=120, limits=httpx.Limits(max_connections=200))

    def chat(message: str, history: list[Any]) -> Iterator[str]:
        said, body = "", {"messages": [{"role": "user", "content": message}], "stream": True}
        with http.stream("POST", f"{model}/v1/chat/completions", json=body) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: {"):
                    said += json.loads(line[6:])["choices"][0]["delta"]["content"]
                    yield said

    page = gr.ChatInterface(chat, **settings)
    page.queue().launch(server_port=port, quiet=True)


_SERVERS: dict[str, Callable[..., None]] = {
    "stub": stub,
    "paced": partial(stub, pause=0.04),
    "slow": partial(stub, seconds=2.0),
    "stock": stock,
    "raised": partial(stock, concurrency_limit=64),
}

if __name__ == "__main__":
    _SERVERS[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
