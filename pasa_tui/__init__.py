"""pasa-tui: find all the papers that meet a precise research question, from the terminal."""

__version__ = "0.1.0"
