"""The OpenRosa protocol: list of forms, forms, manifests, media, submissions (https://docs.getodk.org/openrosa/)."""
