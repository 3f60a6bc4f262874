"""The Crawler and the Selector: what they are asked, and who answers."""
