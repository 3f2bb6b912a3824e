"""The service process: it holds no engine and no camera, and stays up whatever happens to them."""
