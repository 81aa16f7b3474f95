"""The outbound client, against servers on this machine that do what servers do."""
