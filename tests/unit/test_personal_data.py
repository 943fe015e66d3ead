"""Personal data: found by form and check digit, left alone where it is public."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.steps.personal_data import personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jo.bloggs+x@mail.example.com please", "an e-mail address"),
        ("IBAN DE89 3704 0044 0532 0130 00", "a bank account number"),
        ("gb82west12345698765432", "a bank account number"),
        ("card 4111 1111 1111 1111", "a card number"),
        ("5555-5555-5555-4444 exp 12/27", "a card number"),
        ("my ssn: 123-45-6789", "a US social security number"),
        ("NI no AB 12 34 56 C", "a UK national insurance number"),
        ("PAN is ABCPE1234F", "an Indian PAN"),
        ("passport number X1234567", "a personal number"),
        ("patient 4711-0815 has it", "a personal number"),
        ("born on 3 March 1980", "a date of birth"),
        ("DOB: 03/04/1985", "a date of birth"),
        ("he lives at 12 Privet Drive", "a postal address"),
        ("Hauptstraße 12", "a postal address"),
        ("SW1A 2AA", "a postcode"),
        ("ring +44 20 7946 0958", "a telephone number"),
        ("call (555) 010-9999", "a telephone number"),
        ("0176 1234567", "a telephone number"),
    ],
)
def test_found(text: str, kind: str) -> None:
    assert personal_data(text) == (kind,)


@pytest.mark.parametrize(
    "text",
    [
        "What are the opening hours on 24/12/2026?",
        "IBAN DE88 3704 0044 0532 0130 00",  # the check digits are wrong
        "card 4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "between 2019-01-01 and 2020-12-31",
        "It costs 1,234,567.89 a year",
        "version 10.15.7.2345 and 192.168.100.200",
        "section 4.2.1 of ISO 27001:2022",
        "open from 09:00 to 17:00, Monday to Friday",
        "the plan pays 80% up to EUR 2,500 for 12 months",
        "the account number is on your card",
        "see page 12, way below",
    ],
)
def test_left_alone(text: str) -> None:
    assert personal_data(text) == ()


def test_what_stands_in_a_public_document_is_public() -> None:
    document = "Ring the office on 020 7946 0958 or write to help@example.com."
    assert personal_data("Call 020-7946 0958 or help@example.com.", document) == ()
    assert personal_data("Call 020 7946 0959.", document) == ("a telephone number",)
    assert personal_data("Call 020 7946 0958.", "") == ("a telephone number",)


@given(st.text(max_size=300), st.text(max_size=50))
def test_any_text_can_be_searched(text: str, known: str) -> None:
    assert set(personal_data(text, known)) <= set(personal_data(text))
    assert personal_data(text, text) == ()
