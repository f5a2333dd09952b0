"""The model held against recorded runs of the real kernel."""
