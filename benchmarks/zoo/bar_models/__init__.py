"""The models on which int8 toolchains are compared: made again by one command, with real inputs."""
