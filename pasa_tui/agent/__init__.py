"""PaSa as an application: a Crawler and a Selector over sources, a loop that drives them."""
