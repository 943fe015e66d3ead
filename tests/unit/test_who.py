"""Where a request comes from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chatbot.web.who import address_of


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(shown: str, told: str) -> None:
    request: Any = SimpleNamespace(client=SimpleNamespace(host=shown))
    assert address_of(request) == told
    assert address_of(SimpleNamespace(client=None)) == ""
