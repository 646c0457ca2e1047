"""A vertebral level in a CT: from the projection and the network's votes to a slice, and what is measured on it."""
