"""`chatbot policy …`: check a policy file, explain what it does, train the classifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.routing import open_encoder, router_by
from chatbot.commands.screen import as_json as screening_json
from chatbot.console import AsJson, guarded, put, put_json, screen
from chatbot.policy import Category, load_policy
from chatbot.steps.screen import clean_question

if TYPE_CHECKING:
    from chatbot.adapters.router import Router

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
_SHOWN_SCORES = 3


@app.command()
@guarded
def check(
    file: Annotated[str, typer.Argument(help="`default`, `strict` or a policy file.")],
    question: Annotated[list[str] | None, typer.Argument(help="What would happen to it?")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a policy file; with questions: explain what would happen to each, and why.

    Example: chatbot policy check policies/default.yaml "Can I take ibuprofen with warfarin?"
    """
    policy = load_policy(file)
    asked = [clean_question(q) for q in question or []]
    router = router_by(policy) if asked else None
    explained = [_explained(router, q) for q in asked] if router else []
    if as_json:
        categories = {n: c.action.value for n, c in policy.categories.items()}
        about = {"fingerprint": policy.fingerprint, "categories": categories}
        put_json({"policy": policy.name, **about, "questions": explained})
        return
    if not explained:
        put(f"{policy.name} holds. {len(policy.categories)} categories:")
        put("\n".join(_line(c) for c in policy.categories.values()))
    for item in explained:
        put("\n".join(_story(item)))


def _explained(router: Router, question: str) -> dict[str, Any]:
    policy, screening = router.policy, router.screen(question)
    surest = sorted(screening.scores.items(), key=lambda item: -item[1])
    return {
        **screening_json(question, screening),
        "text": screening.text,
        "readings": list(router.readings(question).texts),
        "scores": dict(surest),
        "respond_within": str(policy.category(screening.category).respond_within),
        "reviewers": list(policy.category(screening.category).reviewers),
    }


def _line(category: Category) -> str:
    two = ", two signatures" if category.two_signatures else ""
    detail = f"within {category.respond_within}, by {' or '.join(category.reviewers)}{two}"
    if category.action.decision.value != "hold":
        detail = f"support {category.support}" if category.support is not None else ""
    return f"  {category.name:<20} {category.action.value:<14} {detail}"


def _story(item: dict[str, Any]) -> list[str]:
    lines = [item["question"], f"  decision   {item['decision']}"]
    if item["category"]:
        lines.append(f"  category   {item['category']} ({item['score']:.2f})")
    lines += [f"  because    {reason}" for reason in item["reasons"]]
    if item["text"]:
        lines.append(f"  is told    {item['text']}")
    if item["decision"] == "hold":
        lines.append(f"  goes to    {' or '.join(item['reviewers'])}")
        lines.append(f"  in         {item['respond_within']}")
    lines += [f"  also read  {text}" for text in item["readings"][1:]]
    top = list(item["scores"].items())[:_SHOWN_SCORES]
    lines.append("  scores     " + ", ".join(f"{name} {score:.2f}" for name, score in top))
    return lines


@app.command()
@guarded
def train(
    data: Annotated[list[Path], typer.Argument(help="Files or folders of labelled questions.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: router.npz beside the models.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the classifier of questions from labelled data. Its data and scores go into the file.

    JSON lines with `text` and `category`; Banking77, CLINC150, Counsel Chat, Do-Not-Answer,
    XSTest, MedQuAD and SQuAD are known by their file names. A third of each public set, and files
    named test*, are never learned from. With all of these it takes half an hour.

    Example: chatbot policy train policies/questions ../shared/data/routing
    """
    from chatbot.adapters.classifier import SHIPPED
    from chatbot.adapters.train_router import train_classifier
    from chatbot.adapters.training_data import load_labelled
    from chatbot.settings import load_settings

    labelled = load_labelled(data)
    content, about = train_classifier(labelled, open_encoder(), screen().print)
    path = out or load_settings().models_folder / SHIPPED.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if as_json:
        put_json({"file": path.absolute(), **about})
        return
    put(
        f"{path}: {len(content):,} bytes, learned from {sum(about['learned'].values()):,} questions"
    )
    for name, share in about["held"].items():
        put(f"  held of {name:<24} {share['value']:>6.1%} of {share['n']} (not learned from)")


@app.command("train-same")
@guarded
def train_same(
    data: Annotated[Path, typer.Argument(help="Folder of pairs, such as policies/same.")],
    wordnet: Annotated[
        Path | None,
        typer.Option(help="WordNet's database. Default: the synonyms that are shipped."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: beside the models.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train what tells whether two questions want the same answer. policies/same says how the pairs
    were made.

    Example: chatbot policy train-same policies/same --wordnet /usr/share/wordnet
    """
    from chatbot.adapters.same_pairs import load_pairs
    from chatbot.adapters.same_question import SHIPPED, open_same_question
    from chatbot.adapters.train_same_question import read_wordnet, train_same_question
    from chatbot.settings import load_settings

    pairs = load_pairs(data)
    encoder = open_encoder()
    meanings = (
        read_wordnet(wordnet, encoder.vocabulary())
        if wordnet
        else open_same_question(encoder).meanings
    )
    content, about = train_same_question(pairs, meanings, encoder)
    path = out or load_settings().models_folder / SHIPPED.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if as_json:
        put_json({"file": path.absolute(), **about})
    else:
        put(
            f"{path}: {len(content):,} bytes, learned from "
            f"{about['different']:,} pairs of different questions"
        )
