"""Templates that come with Fount, one TOML file each."""
