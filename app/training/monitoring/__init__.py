"""What is watched while a run goes on."""
