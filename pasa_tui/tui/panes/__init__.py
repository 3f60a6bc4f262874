"""The panes of the search screen, one file each. They show values and post messages; they fetch nothing."""
