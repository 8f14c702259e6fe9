"""What the registry refuses to do, in words for the screen."""


class RegistryError(Exception):
    """A change that does not fit what the registry holds; the message says why and what to do instead."""
