"""`finetune check`: whether an adapter's files say what was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from chatbot.adapters.gguf_files import merge
from chatbot.adapters.models import LANGUAGE, locate
from chatbot.console import FAILED, AsJson, guarded, put, put_json
from chatbot.prompts import Prompt, load_prompt
from chatbot.settings import load_settings
from finetune.commands.common import MEASURED, Data, bar
from finetune.evaluate import Run, compared, opened_model, run
from finetune.gguf_files import heads_of, write_adapter
from finetune.greedy import Source, equal_share
from finetune.rows import Row, Split, read_rows

LEAST_EQUAL = 0.99
MOST_LOST = 0.02
_MERGED = ("Q8_0", "Q4_0")


@dataclass(frozen=True, slots=True)
class _File:
    """One way to serve: a model's file, with a GGUF adapter or with it worked in."""

    name: str
    model: Path
    adapter: Path | None


@guarded
def check(
    adapter: Annotated[Path, typer.Argument(help="Folder that `finetune train` wrote.")],
    data: Data,
    split: Annotated[Split, typer.Option(help="Rows to ask: test, dev or hard.")] = Split.TEST,
    prompts: Annotated[int, typer.Option(min=1, help="How many rows are asked.")] = 100,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer at most.")] = 48,
    as_json: AsJson = False,
) -> None:
    """See that llama.cpp writes what transformers writes with the adapter, token by token.

    On the same weights in single precision at least 99% of the tokens are equal; with the adapter
    on the quantized model, and merged into it, F1 is no more than 0.02 lower. Exit 1 where that
    does not hold.

    Example: finetune check var/adapters/first var/dataset
    """
    rows = read_rows(data, split if split in MEASURED else Split.TEST)[:prompts]
    prompt = load_prompt("answer")
    with TemporaryDirectory() as folder:
        files = list(_files(adapter, Path(folder)))
        source = Source(str(files[0].model), adapter)
        with bar(len(rows), "transformers") as told:
            wanted = source.answers(rows, prompt, tokens, told)
        runs = [_asked(file, rows, prompt, tokens) for file in files]
    report = [_compared(one, runs[0], wanted, source) for one in runs]
    held = report[0]["equal"] >= LEAST_EQUAL and all(r["gained"] >= -MOST_LOST for r in report)
    if as_json:
        put_json({"prompts": len(rows), "held": held, "files": report})
    else:
        put(f"{len(rows)} prompts: tokens equal to transformers', F1, and F1 above that of F32")
        for r in report:
            put(f"{r['equal']:>8.1%}  {r['f1']:.3f}  {r['gained']:+.3f}  {r['name']}")
    if not held:
        raise typer.Exit(FAILED)


def _files(adapter: Path, folder: Path) -> Iterator[_File]:
    base, plain, change = locate(LANGUAGE), folder / "F32.gguf", folder / "adapter.gguf"
    merge(base, None, plain, "F32")
    write_adapter(adapter, change, heads_of(base), base.stem)
    yield _File("F32 with adapter", plain, change)
    yield _File("Q4_1 with adapter", base, change)
    for kind in _MERGED:
        merged = folder / f"{kind}.gguf"
        merge(base, change, merged, kind)
        yield _File(f"{kind} merged", merged, None)


def _asked(file: _File, rows: Sequence[Row], prompt: Prompt, most: int) -> Run:
    settings = load_settings(
        generation_model=str(file.model), generation_adapter=str(file.adapter or "none")
    )
    with opened_model(settings) as (chat, _), bar(len(rows), file.name) as told:
        return run(rows, chat, file.name, prompt, most, told)


def _compared(found: Run, plain: Run, wanted: Sequence[str], source: Source) -> dict[str, Any]:
    pairs = [
        (source.tokens(a.text), source.tokens(w))
        for a, w in zip(found.answered, wanted, strict=True)
    ]
    f1 = found.scores["f1"]["value"]
    return {
        "name": found.name,
        "equal": round(equal_share(pairs), 4),
        "f1": f1,
        "gained": round(f1 - plain.scores["f1"]["value"], 4),
        "worth_above_f32": compared(found, plain),
    }
