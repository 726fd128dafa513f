"""What the service does when something breaks: measured on this machine, with a bar for each figure."""
