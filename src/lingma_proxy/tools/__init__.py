"""Tools for models that have none: how they are offered, and how calls are found in text."""
