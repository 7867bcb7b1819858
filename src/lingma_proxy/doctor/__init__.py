"""What is wrong, and how to mend it: checks that each end in findings."""
