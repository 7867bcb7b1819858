"""Policies: backends that hold a backend, each for one purpose, said in its first sentence."""
