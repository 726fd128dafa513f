"""Interfaces of other services, for their own clients: translations, with no behaviour of their own."""
