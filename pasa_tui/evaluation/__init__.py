"""Evaluation: query sets, systems that answer them, result folders, metrics and reports."""
