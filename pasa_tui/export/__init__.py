"""How papers leave: reference formats."""
