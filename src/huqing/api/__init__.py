"""What machines speak: the OpenRosa protocol of the phone clients, and the phone app itself."""
