"""Countersign: settings, everything wired, the web application served."""

from chatbot.bootstrap import bootstrap
from chatbot.cli import listen, run_server
from chatbot.console import guarded
from chatbot.settings import load_settings


@guarded
def main() -> None:
    """Serves until it is told to stop."""
    settings = load_settings()
    with listen(settings.host, settings.port) as listener, bootstrap(settings) as app:
        run_server(app, listener)


if __name__ == "__main__":
    main()
