"""What is in a file: whether it is a PDF, a text or neither, and the text of it.  No I/O."""
