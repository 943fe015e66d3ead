"""PostgreSQL: the words of the passages, as FTS5 keeps them for SQLite.

A word is a run of letters and digits, in lower case, without accents, as its Porter stem; none is
left out. `words` says where each stands, a heading's with the weight A; `length` counts them all.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

_STEM = """CREATE TEXT SEARCH DICTIONARY countersign_stem
(TEMPLATE = pg_catalog.snowball, LANGUAGE = porter)"""
_CONFIGURATION = "CREATE TEXT SEARCH CONFIGURATION countersign (PARSER = pg_catalog.default)"
_MAPPING = """ALTER TEXT SEARCH CONFIGURATION countersign ADD MAPPING FOR
asciiword, word, numword, int, uint, float, sfloat WITH countersign_stem"""
# The parser sees letters, digits and spaces alone: it would know addresses and hyphens, as FTS5
# does not.
_PLAIN = r"""CREATE FUNCTION countersign_plain(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT regexp_replace(
    lower(normalize(regexp_replace(normalize($1, NFD), '[\u0300-\u036f]', '', 'g'), NFC)
          COLLATE "und-x-icu"),
    '[^[:alnum:]]+', ' ', 'g')
$$"""
# Their search path is fixed: `pg_restore` fills the table with an empty one.
_WORDS = """CREATE FUNCTION countersign_words(title text, heading text, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
SELECT to_tsvector('countersign', countersign_plain(title))
    || setweight(to_tsvector('countersign', countersign_plain(heading)), 'A')
    || to_tsvector('countersign', countersign_plain(body))
$$"""
_LENGTH = """CREATE FUNCTION countersign_length(title text, heading text, body text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
SELECT coalesce(sum(cardinality(positions)), 0)::integer
FROM unnest(countersign_words(title, heading, body))
$$"""
_COLUMNS = """ALTER TABLE passages
ADD COLUMN words tsvector GENERATED ALWAYS AS (countersign_words(title, heading, text)) STORED,
ADD COLUMN length integer GENERATED ALWAYS AS (countersign_length(title, heading, text)) STORED"""
_INDEX = "CREATE INDEX passages_words ON passages USING gin (words) WITH (fastupdate = off)"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for statement in (
        _STEM, _CONFIGURATION, _MAPPING, _PLAIN, _WORDS, _LENGTH, _COLUMNS, _INDEX,
    ):  # fmt: skip
        op.execute(statement)
