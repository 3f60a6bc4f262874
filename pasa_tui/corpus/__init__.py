"""Local paper collections: build, full-text index, citations, PaSa's own paper database."""
