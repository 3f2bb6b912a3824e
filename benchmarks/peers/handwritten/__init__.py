"""What people write by hand instead of using a runtime."""
