"""Loopback servers that speak the formats of the services pasa-tui asks, over one invented literature."""
