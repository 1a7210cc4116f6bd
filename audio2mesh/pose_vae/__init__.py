"""Head motion learned from people who speak: a conditional variational autoencoder."""
