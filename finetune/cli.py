"""`finetune …`: the life of an adapter, from reviewed answers to the model that is served."""

from __future__ import annotations

import typer

from finetune.commands import data, measuring, serving, sweeping, training

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
for command in (
    data.dataset,
    measuring.baseline,
    training.train,
    sweeping.sweep,
    serving.export,
    measuring.evaluate,
    measuring.report,
    serving.promote,
    serving.rollback,
    serving.history,
):
    app.command()(command)


def main() -> None:
    """The `finetune` command."""
    app()


if __name__ == "__main__":
    main()
