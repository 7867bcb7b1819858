"""The program under load for as long as one likes: `make soak`."""
