"""How fast the kiosk is, and whether it stays up."""
