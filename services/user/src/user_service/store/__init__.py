"""Where accounts, sessions, cached profiles and signing keys are kept."""
