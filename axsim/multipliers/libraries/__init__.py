"""Libraries of published circuits that ship with axsim, each a module and its truth tables."""
