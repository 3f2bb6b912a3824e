"""The pipeline embedded in a device: a local service with a page, a journal and a watchdog."""
