"""`finetune distill`: a larger model's answers for a smaller one to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.commands.routing import open_encoder
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from chatbot.settings import Settings, load_settings
from finetune.asking import asked
from finetune.commands.common import Data, bar
from finetune.distill import Checker, distilled, pupils
from finetune.evaluate import opened_model
from finetune.prompting import chat_messages
from finetune.rows import fingerprint, read_about, read_rows, write_rows

Model = Annotated[str | None, typer.Option(help="Name of the model to ask a server for.")]


@guarded
def distill(
    data: Data,
    teacher: Annotated[str, typer.Option(help="URL of a server, or a GGUF file, or `embedded`.")],
    out: Annotated[Path, typer.Option(help="Folder for the dataset; a killed run goes on in it.")],
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Have a teacher answer the training rows; what their passages support becomes right to say.

    The other answers are left out and counted. Rows to measure with stay as they are. Every answer
    is kept in answers.jsonl beside the rows.

    Example: finetune distill var/dataset --teacher http://gpu:8080 --out var/distilled
    """
    if out.resolve() == data.resolve():
        raise BadInput("A dataset is not written over itself.", "Name another folder with --out.")
    settings = teacher_settings(teacher, model)
    rows, prompt = read_rows(data, waiting=True), load_prompt("answer")
    train = pupils(rows)
    if not train:
        raise BadInput(f"{data} has no rows to ask.", "Make them with `finetune dataset`.")
    with opened_model(settings) as (chat, name), bar(len(train), "Asking") as told:
        about = f"{name}, prompt {prompt.fingerprint[:12]}, rows {fingerprint(train.values())[:12]}"
        wanted = {key: chat_messages(row, prompt) for key, row in train.items()}
        most = settings.answer_tokens
        answers = asked(chat, wanted, out / "answers.jsonl", about, most, told)
    checker = Checker(open_encoder().encode, settings.support)
    kept, outcomes = distilled(rows, answers, checker, name)
    report: dict[str, Any] = {"teacher": name, "asked": len(train), "outcomes": outcomes}
    write_rows(out, kept, read_about(data) | {"distilled": report})
    if as_json:
        put_json(report)
        return
    put("\n".join(f"{n:>8,}  {outcome}" for outcome, n in outcomes.items()))
    put(f"{len(kept):,} rows with answers of {name} in {out}")


def teacher_settings(teacher: str, model: str | None) -> Settings:
    """Settings with that model and no other in its place."""
    if not teacher.startswith(("http://", "https://")):
        return load_settings(
            generation_url=None, generation_model=teacher, generation_adapter="none"
        )
    chosen = {"generation_model": model} if model else {}
    return load_settings(generation_url=teacher, generation_fallback="none", **chosen)
