"""How others ask a running kiosk: HTTP with an event stream, and a Unix socket."""

__all__: list[str] = []
