"""Databases of both kinds for the contract suites."""

from tests.databases import engine, postgres

__all__ = ["engine", "postgres"]
