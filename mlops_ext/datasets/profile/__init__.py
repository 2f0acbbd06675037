"""What a version's columns hold: a profile from the snapshot's own pass, counted out when it is asked for."""
