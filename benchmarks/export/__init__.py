"""A record in the forms that other tools read: CSV and Prometheus text."""
