"""Ways to move messages to and from the plugin and the agents: sockets, pipes, child processes."""
