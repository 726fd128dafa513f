"""Complete training runs, one TOML file each."""
