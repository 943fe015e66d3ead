"""`chatbot …`: serve the application, ask, search, and see how everything is."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

from chatbot.bootstrap import App, bootstrap
from chatbot.commands import audit, cache, evaluate, faq, group, key, policy, review, user
from chatbot.commands import screen as screening
from chatbot.console import DONE, FAILED, AsJson, guarded, host_shown, put, put_json, screen
from chatbot.domain import Finished, Held, Notice, Person, Refused
from chatbot.errors import BadSettings
from chatbot.gate import Sentence, Shown, shown
from chatbot.logs import configure_logs, take_over_logs
from chatbot.plain import passage_json, turn_json
from chatbot.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(audit.app, name="audit")
app.add_typer(cache.app, name="cache")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(faq.app, name="faq")
app.add_typer(group.app, name="group")
app.add_typer(key.app, name="key")
app.add_typer(policy.app, name="policy")
app.add_typer(review.app, name="review")
app.add_typer(user.app, name="user")
app.command("screen")(screening.screen)

Collection = Annotated[
    list[str] | None, typer.Option(help="Answer from this collection only; may be repeated.")
]


def main() -> None:
    """The `chatbot` command."""
    app()


@app.command()
@guarded
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the web application.

    Example: chatbot serve --port 8080
    """
    given = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    settings = load_settings(**given)
    listener = listen(settings.host, settings.port)
    with listener, bootstrap(settings) as wired:
        run_server(wired, listener)


def listen(host: str, port: int) -> socket.socket:
    """A socket on that address, bound before anything slow begins.

    Raises:
        BadSettings: the port is in use, or the address is not this machine's.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        raise BadSettings(
            f"Cannot listen on {host}:{port} ({error}).",
            "Stop what uses the port, or name another one with --port or COUNTERSIGN_PORT.",
        ) from error
    return listener


def run_server(wired: App, listener: socket.socket) -> None:
    """Serves on that socket until the process is told to stop."""
    import uvicorn

    from chatbot.web.server import build_server

    configure_logs(wired.settings.log, wired.settings.log_level)
    take_over_logs()
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        build_server(wired),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    shown_host = host_shown(host)
    wired.work()
    screen().print(f"Countersign answers on http://{shown_host}:{port}  (Ctrl-C stops it)")
    if (token := wired.accounts.first_link()) is not None:
        screen().print(
            "No one can log in at the review desk yet. Make the first account, within a day:"
        )
        screen().print(f"http://{shown_host}:{port}/desk/welcome?t={token}", soft_wrap=True)
    uvicorn.Server(config).run(sockets=[listener])


@app.command()
@guarded
def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know.")],
    collection: Collection = None,
    conversation: Annotated[
        str | None, typer.Option(help="Id of a conversation to go on with.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Answer anew, whatever was answered before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask one question, through the same chain and gate as the web page.

    Example: chatbot ask "How do I order a replacement card?"
    """
    person = Person(f"local:{os.getuid()}", frozenset(collection) if collection else None)
    with bootstrap(load_settings()) as wired:
        talk = conversation or wired.conversations.create(person.id).id
        record = None
        for event in wired.chain.answer(question, talk, person, fresh=fresh):
            if isinstance(event, Finished):
                record = event.record
            elif not as_json:
                _say(event)
        assert record is not None  # the chain ends each turn with it
        view = shown(record)
        if as_json:
            put_json(turn_json(view, record, talk))
        else:
            _say_sources(view)


def _say(event: object) -> None:
    if isinstance(event, Sentence):
        put(event.text)
    elif isinstance(event, Notice):
        put(f"{event.text}\n")
    elif isinstance(event, Held | Refused):
        put(event.text)


def _say_sources(view: Shown) -> None:
    for citation in view.citations:
        title, where = citation.passage.document.title, citation.passage.locator
        put(f"\n[{citation.marker}] {title}, {where}\n    “{' '.join(citation.quote.split())}”")


@app.command()
@guarded
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    collection: Collection = None,
    as_json: AsJson = False,
) -> None:
    """Retrieval alone: the passages that an answer would be made from.

    Example: chatbot search "replacement card" -k 3
    """
    from chatbot.steps.screen import clean_question

    allowed = frozenset(collection) if collection else None
    with bootstrap(load_settings()) as wired:
        found = wired.retriever.find(clean_question(query), k, allowed)
    if as_json:
        put_json({"passages": [passage_json(p) for p in found]})
        return
    for scored in found:
        passage = scored.passage
        put(f"{scored.score:.3f}  {passage.document.title}, {passage.locator}")
        put(f"       {' '.join(passage.text.split())[:200]}\n")
    if not found:
        put("Nothing was found.")


@app.command()
@guarded
def doctor(as_json: AsJson = False) -> None:
    """Open everything, ask each part how it is, say what to do. Exit code 1: a part has failed.

    Prepares the embedding model when that was never done.

    Example: chatbot doctor
    """
    settings = load_settings()
    with bootstrap(settings) as wired:
        pings = wired.diagnose()
    if as_json:
        put_json(
            {
                "home": settings.home.absolute(),
                "parts": [{"name": p.name, "state": p.state, "detail": p.detail} for p in pings],
            }
        )
    else:
        put(f"home            {settings.home.absolute()}")
        for ping in pings:
            put(f"{ping.name:<15} {ping.state:<8} {ping.detail}")
    raise typer.Exit(FAILED if any(p.state == "failed" for p in pings) else DONE)


if __name__ == "__main__":
    main()
