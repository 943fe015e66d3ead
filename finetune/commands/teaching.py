"""`finetune synthesise`, `distill`: questions and answers that a model writes for a smaller one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from chatbot.bootstrap import bootstrap
from chatbot.commands.routing import open_encoder
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.domain import Passage
from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from chatbot.settings import Settings, load_settings
from chatbot.steps.ground import where_of
from finetune.asking import asked
from finetune.commands.common import Data, bar
from finetune.distill import Checker, distilled, pupils
from finetune.evaluate import opened_model
from finetune.prompting import chat_messages
from finetune.rows import fingerprint, read_about, read_rows, write_rows
from finetune.synthesise import chosen, line_of, worth_asking

_LINE_TOKENS = 64  # of a question and its answer
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


@guarded
def synthesise(
    collection: Annotated[str, typer.Option(help="Collection to write questions about.")],
    out: Annotated[Path, typer.Option(help="Question file to write, *.jsonl.")],
    teacher: Annotated[
        str | None, typer.Option(help="URL of a server, or a GGUF file; none: the settings' model.")
    ] = None,
    model: Model = None,
    each: Annotated[int, typer.Option(min=1, max=9, help="Questions about each passage.")] = 3,
    most: Annotated[int, typer.Option(min=0, help="Passages at most; 0: all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Have a model write questions about the indexed passages; keep those that can be checked.

    The answer stands in the passage word for word, and retrieval finds the passage by the question.
    What the model wrote is kept beside the file, and a killed run goes on. Hand the file to
    `finetune dataset`; its rows say that they are synthetic.

    Example: finetune synthesise --collection handbook --out var/synthetic.jsonl
    """
    if out.suffix != ".jsonl":
        raise BadInput(f"{out} is no question file.", "Name one that ends with .jsonl.")
    settings = (
        teacher_settings(teacher, model) if teacher else load_settings(generation_adapter="none")
    )
    prompt = load_prompt("synthesise")
    with bootstrap(settings) as wired:
        documents = wired.catalogue.documents([collection])
        found = (p for d in documents for p in wired.catalogue.passages_of(d.id))
        passages = worth_asking(found)[: most or None]
        if not passages:
            raise BadInput(f"Nothing is indexed in {collection}.", "Index it with `ingest sync`.")
        language = wired.language
        name = f"{language.name}, adapter {language.adapter or 'none'}"
        with bar(len(passages), "Asking") as told:
            wanted = {p.id: prompt.render(_variables(p, each)) for p in passages}
            log, about = (
                out.with_name(f"{out.name}.log"),
                f"{name}, {each} each, {prompt.fingerprint}",
            )
            written = asked(language.client, wanted, log, about, _LINE_TOKENS * each, told)

        def finds(question: str, passage: Passage) -> bool:
            hits = wired.retriever.find(question, settings.passages, [collection])
            return any(hit.passage.id == passage.id for hit in hits)

        def encode(texts: Sequence[str]) -> np.ndarray:
            return np.asarray(wired.retriever.embeddings.embed_documents(list(texts)), np.float32)

        pairs, outcomes = chosen(written, passages, finds, encode)
    lines = (json.dumps(line_of(p, collection, name), ensure_ascii=False) + "\n" for p in pairs)
    out.write_text("".join(lines), encoding="utf-8")
    if as_json:
        put_json({"model": name, "passages": len(passages), "outcomes": outcomes})
        return
    put("\n".join(f"{n:>8,}  {outcome}" for outcome, n in outcomes.items()))
    put(f"{len(pairs):,} questions about {len(passages):,} passages in {out}")


def _variables(passage: Passage, each: int) -> dict[str, str]:
    return {"passage": f"{where_of(passage)}\n{passage.text}", "count": str(each)}


def teacher_settings(teacher: str, model: str | None) -> Settings:
    """Settings with that model and no other in its place."""
    if not teacher.startswith(("http://", "https://")):
        return load_settings(
            generation_url=None, generation_model=teacher, generation_adapter="none"
        )
    chosen = {"generation_model": model} if model else {}
    return load_settings(generation_url=teacher, generation_fallback="none", **chosen)
