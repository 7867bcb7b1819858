"""What was asked, and what is said back, in words that no vendor owns."""
