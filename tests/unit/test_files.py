"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.files import whole


def test_a_file_is_replaced_in_one_piece_or_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    with whole(file) as beside:
        beside.write_text("first")
        assert not file.exists()
    with pytest.raises(UnicodeEncodeError), whole(file) as beside:
        beside.write_text("half \ud800")
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]
