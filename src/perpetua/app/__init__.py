"""What runs it all: settings, web, worker, supervisor, command line."""
