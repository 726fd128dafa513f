"""Ground floor: settings, errors, logging, clock and the sample's random numbers; imports nothing of ours."""
