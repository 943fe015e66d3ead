"""One typed, frozen settings object; nothing else in Countersign reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from chatbot.errors import BadSettings
from chatbot.origins import normal_origins

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECRETS = Path("/run/secrets")
"""Where containers find a setting as a file of the variable's name."""


class Settings(BaseSettings):
    """Every setting, its default, and what it does. Each is an environment variable of the same
    name in capitals, behind `COUNTERSIGN_` or (for those that name a service) bare."""

    model_config = SettingsConfigDict(
        env_prefix="COUNTERSIGN_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(Path("var"), description="Folder that holds everything that is written.")
    host: str = Field("127.0.0.1", description="Address that the web application listens on.")
    port: int = Field(7860, ge=1, le=65535, description="Port that it listens on.")
    title: str = Field("Countersign", description="Name at the top of the page.")
    public_url: str | None = Field(
        None,
        description="Address under which people reach it, as `https://ask.example.org`, where that "
        "is not HOST and PORT. A name (no address) that is not in here is not served.",
    )

    anonymous: Literal["auto", "yes", "no"] = Field(
        "auto",
        description="Whether people may ask without an account. `auto`: where HOST is this machine "
        "alone, and PUBLIC_URL, where there is one, too.",
    )
    unnamed_collections: Literal["auto", "open", "closed"] = Field(
        "auto",
        description="Whether a collection that no group names is `open` to all who may ask. "
        "`auto`: until the first group is made.",
    )
    oidc_issuer: str | None = Field(
        None, description="Issuer of an OpenID Connect provider that people log in with."
    )
    oidc_client: str = Field("", description="Client id there.")
    oidc_secret: SecretStr | None = Field(
        None, description="Client secret there. None: a public client, with PKCE alone."
    )
    oidc_title: str = Field(
        "single sign-on", description="What the button says after `Log in with`."
    )
    oidc_groups: str = Field(
        "groups", description="Claim that lists groups; those that exist here count."
    )
    oidc_domains: list[str] = Field(
        [],
        description="Domains of verified e-mail addresses that may log in, as JSON. `*`: everybody "
        "whom the provider knows. Empty, with no claims either: nobody.",
    )
    oidc_claims: dict[str, str] = Field(
        {}, description="Claims and values that somebody must have to log in, as JSON."
    )

    api_anonymous: bool = Field(
        False,
        description="Whether programs may ask over the API without a key, and pages with the "
        "chat page's cookie.",
    )
    answers_at_once: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Answers that are made at the same time; more wait. Not set: 16, and 64 with "
        "`GENERATION_URL`.",
    )
    answers_waiting: int = Field(
        64, ge=0, le=1000, description="Questions that may wait; to more it says when to try again."
    )
    turn_seconds: float = Field(
        180.0, gt=0, description="Seconds after which a question is given up, waiting included."
    )
    limits: str = Field(
        "memory",
        description="Where it is counted how much people ask: `memory`, `redis://HOST:PORT/NUMBER` "
        "(for replicas), or `none` for no limits.",
    )
    limit_person: str = Field(
        "30/minute", description="Questions of one person, such as `20/minute; 500/day`."
    )
    limit_key: str = Field("300/minute", description="Questions by one API key.")
    limit_address: str = Field(
        "600/minute", description="Questions and API requests from one network address."
    )
    limit_origin: str = Field("3000/minute", description="The same, from one website's pages.")
    request_kb: int = Field(256, ge=16, description="Largest request, in KB.")

    database: SecretStr | None = Field(
        None,
        description="`postgresql+psycopg://USER:PASSWORD@HOST/NAME`, for replicas. None: SQLite in "
        "the home folder.",
    )
    chroma_url: str | None = Field(
        None,
        description="http://HOST:PORT of a Chroma server in a private network, for replicas. None: "
        "Chroma in this process.",
    )
    chroma_token: SecretStr | None = Field(
        None, description="Bearer token that what stands before that server asks for."
    )

    widget_origins: Annotated[str | None, AfterValidator(normal_origins)] = Field(
        None,
        description="Websites whose pages may hold the widget: origins such as "
        "`https://www.example.org`, with blanks between. None: no other website.",
    )

    models: Path | None = Field(
        None, description="Folder for prepared models. None: `models` in the home folder."
    )
    embedding_model: str = Field(
        "embedded", description="`embedded`, a folder, or a sentence-transformers id on the hub."
    )
    generation_url: str | None = Field(
        None,
        alias="GENERATION_URL",
        description="Base URL of a TGI, vLLM or OpenAI-like server. None: the embedded model.",
    )
    generation_key: SecretStr | None = Field(
        None, alias="GENERATION_API_KEY", description="API key that this server asks for."
    )
    generation_model: str = Field(
        "embedded",
        description="Model name to ask the server for; without a server: `embedded`, a GGUF "
        "file, or owner/name/file.gguf on the hub.",
    )
    generation_base: str | None = Field(
        None,
        description="Name under which that server answers without the adapter (`tgi`, or the base "
        "model's on vLLM). With it the model name is taken for an adapter's, which answers only "
        "once it was heard to answer otherwise. None: not asked.",
    )
    generation_adapter: str = Field(
        "current",
        description="Adapter on the model in this process: `current` (the one that was promoted, "
        "or else the one that is shipped), `none`, or a GGUF adapter file.",
    )
    generation_adapters: dict[str, str] = Field(
        {},
        description="Adapters for single collections, as JSON: collection to adapter. On a server: "
        "the adapter's name, or its number on llama-server; without one: a GGUF adapter file. "
        "Answers from passages of several collections are the general one's.",
    )
    generation_fallback: Literal["embedded", "none"] = Field(
        "embedded",
        description="What answers while that server fails: the `embedded` model, or `none` "
        "(readers see quotes).",
    )
    generation_hedge: float | None = Field(
        None,
        gt=0,
        description="Seconds without a word from that server after which the `embedded` model is "
        "asked as well; the first to write answers. None: only where the server fails.",
    )
    generation_context: int = Field(
        2048, ge=512, description="Tokens that the model reads and writes in one turn, at most."
    )
    answer_tokens: int = Field(192, ge=16, description="Tokens of one answer, at most.")
    generation_timeout: int = Field(
        60, gt=0, description="Seconds to wait for the next piece of an answer."
    )
    answer_deadline: float = Field(
        120.0, gt=0, description="Seconds after which a generated answer is cut short."
    )
    threads: int = Field(
        0, ge=0, description="CPU threads for the embedded models. 0: as many as there are cores."
    )

    passages: int = Field(4, ge=1, le=20, description="Passages that an answer is made from.")
    candidates: int = Field(50, ge=1, description="Candidates that each index gives to the fusion.")
    relevance: float = Field(
        0.30,
        ge=0,
        le=1,
        description="Least relevance of the best passage; below it: `not in the documents`.",
    )
    weak_relevance: float = Field(
        0.38,
        ge=0,
        le=1,
        description="Relevance below which the asker is warned, or the policy holds the answer.",
    )
    support: float = Field(
        0.55, ge=0, le=1, description="Least similarity of a sentence and its source."
    )

    quote: float = Field(
        0.30,
        ge=0,
        le=1,
        description="Least likelihood that a quoted sentence answers the question; two thirds of "
        "it where the language model points at that sentence.",
    )
    cache: str = Field(
        "disk",
        description="Where answers are kept to be given again: `disk` (the home folder), "
        "`redis://HOST:PORT/NUMBER` (for replicas, which need one `secret.key`), or `none`.",
    )
    cache_days: float = Field(30.0, gt=0, description="Days that such an answer is kept.")
    cache_not_found_minutes: float = Field(
        10.0, ge=0, description="Minutes that `not in the documents` is kept as an answer."
    )
    cache_checked: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of answers to questions in other words that are checked afterwards.",
    )
    cache_mb: int = Field(512, ge=1, description="What all of them may take, in MB.")

    answer_cost: float = Field(
        0.0,
        ge=0,
        description="What one answer of the model costs, for the cache's figures; 0: not known.",
    )

    price_tokens: float = Field(
        0.0, ge=0, description="Price of 1,000 tokens that the model reads or writes; 0: none."
    )
    price_hour: float = Field(
        0.0, ge=0, description="Price of an hour of the machine that the model runs on; 0: none."
    )

    log: Literal["json", "text"] = Field(
        "json", description="How a server writes its log: `json` (one object a line) or `text`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="The least of what it writes there; `info`: each request and turn."
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token that `/metrics` asks for. None: it answers this machine alone.",
    )

    policy: str = Field(
        "default", description="What is sensitive: `default`, `strict`, or a policy file."
    )
    faq: Path = Field(
        Path("faq"), description="Folder of the FAQ that is written by hand, as YAML files."
    )
    faq_people: int = Field(
        3,
        ge=2,
        description="Different people who must have asked a question before it is proposed for "
        "the FAQ.",
    )
    check_timeout: float = Field(
        5.0, gt=0, description="Seconds that one check may take; a slower one holds the answer."
    )
    cache_wrong_hits: float = Field(
        0.002,
        ge=0,
        lt=1,
        description="Share of questions in other words that may get another question's answer.",
    )
    review_expires_days: int = Field(
        30, ge=1, description="Days after which a question that nobody decided is given up."
    )
    drift_hours: float = Field(
        24.0, ge=0, description="Hours between two looks for drift by a running server; 0: none."
    )
    audit_anchor: Path | None = Field(
        None,
        description="File that the audit log's head is written to; better on another disk. "
        "None: `audit.anchor` in the home folder.",
    )
    audit_webhook: str | None = Field(
        None, description="URL that is told the audit log's head, too."
    )
    webhook_url: str | None = Field(
        None, description="URL that is told when an answer was signed, refused or recalled."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Key of the HMAC-SHA256 signature on what is sent there."
    )
    smtp_url: SecretStr | None = Field(
        None, description="smtp://USER:PASSWORD@HOST:PORT (or smtps://) for e-mail to askers."
    )
    reviewer_password: SecretStr | None = Field(
        None, description="Password for `chatbot review --as NAME`; asked for when it is not set."
    )
    mail_from: str = Field("countersign@localhost", description="Sender of that e-mail.")

    max_file_mb: int = Field(200, ge=1, description="Largest file that `ingest` reads, in MB.")
    load_timeout: float = Field(120.0, gt=0, description="Seconds that one file may take to read.")
    load_memory_mb: int = Field(2048, ge=256, description="Memory to read one file in, in MB.")
    load_workers: int = Field(2, ge=1, description="Files that are read at the same time.")

    @property
    def at_once(self) -> int:
        """How many answers are made at the same time."""
        return self.answers_at_once or (64 if self.generation_url else 16)

    @property
    def lets_anonymous_ask(self) -> bool:
        """Whether people may ask without an account."""
        here = {self.host, urlsplit(self.site_url).hostname} <= LOOPBACK
        return self.anonymous == "yes" or (self.anonymous == "auto" and here)

    @property
    def site_url(self) -> str:
        """Address under which people reach it, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def models_folder(self) -> Path:
        """Where prepared models are kept."""
        return (self.models or self.home / "models").absolute()

    @property
    def adapters_folder(self) -> Path:
        """Where promoted adapters are kept."""
        return (self.home / "adapters").absolute()

    @property
    def anchor_file(self) -> Path:
        """Where the audit log's head is written to."""
        return (self.audit_anchor or self.home / "audit.anchor").absolute()

    @property
    def chroma_key(self) -> str | None:
        """The bearer token, to be sent."""
        return self.chroma_token.get_secret_value() if self.chroma_token else None

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the catalogue."""
        if self.database:
            return self.database.get_secret_value()
        return f"sqlite:///{self.home.absolute() / 'catalogue.db'}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, `.env` and the files in `SECRETS`, with `overrides` on top.

    Raises:
        BadSettings: a value is not what its field asks for.
    """
    secrets = SECRETS if SECRETS.is_dir() else None
    try:
        return Settings(_secrets_dir=secrets, **overrides)  # type: ignore[call-arg,arg-type]
    except SettingsError as error:
        raise BadSettings(
            f"A setting is not JSON ({error}).",
            "Correct the environment variable or the line in .env; docs/settings.md lists them.",
        ) from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(p) for p in e['loc']) or 'settings'}: {e['msg']}"
            for e in error.errors()
        )
        raise BadSettings(
            f"The settings do not hold ({wrong}).",
            "Correct the environment variable or the line in .env; README.md lists them.",
        ) from error
