"""The journal of a kiosk: answers and events, chained by hash, stored before they are shown."""
