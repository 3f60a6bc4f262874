"""Zotero: papers as its items, and two ways into a library: the web API and the running desktop program."""
