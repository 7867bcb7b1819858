"""One reader for each form in which models write calls; `marks` has what they begin and end with."""
