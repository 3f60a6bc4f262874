"""The live sources: one file per service, over one HTTP policy."""
