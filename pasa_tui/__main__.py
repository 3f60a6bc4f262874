"""`python -m pasa_tui` is `pasa-tui`."""

from pasa_tui.cli.main import main

main()
