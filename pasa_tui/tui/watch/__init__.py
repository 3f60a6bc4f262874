"""The live screen of a training: figures and plots, read as they are written."""
