"""An independent implementation of docs/DEFINITIONS.md; see verify.py."""
