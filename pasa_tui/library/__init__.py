"""The SQLite store of past searches and papers."""
