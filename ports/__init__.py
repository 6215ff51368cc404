"""What the inside needs from the outside: small protocols, named by role and not by technology."""
