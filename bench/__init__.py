"""Countersign measured beside plain LangChain doing the same; see `python -m bench --help`."""
