"""Pictures of a search: what they show, as SVG, and a report as one HTML file."""
