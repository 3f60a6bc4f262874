"""Engines: what runs a language model. Each module here is one; none is imported before it is used."""
