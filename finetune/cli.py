"""`finetune …`: the life of an adapter, from reviewed answers to the model that is served."""

from __future__ import annotations

import typer

from finetune.commands import (
    checking,
    data,
    judging,
    measuring,
    serving,
    sharing,
    sweeping,
    teaching,
    training,
    watching,
)

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
for command in (
    data.dataset,
    sharing.share,
    sharing.browse,
    teaching.synthesise,
    teaching.distill,
    measuring.baseline,
    training.train,
    sweeping.sweep,
    serving.export,
    checking.check,
    measuring.evaluate,
    measuring.ability,
    judging.judge,
    measuring.report,
    serving.promote,
    serving.canary,
    serving.shadow,
    serving.rollback,
    serving.history,
    watching.drift,
):
    app.command()(command)
app.command("import")(sharing.take)


def main() -> None:
    """The `finetune` command."""
    app()


if __name__ == "__main__":
    main()
