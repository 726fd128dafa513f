"""Contracts: what crosses HTTP (pydantic) and what crosses the process boundary (msgspec); no behaviour."""
