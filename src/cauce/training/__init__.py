"""One training loop over decoders and encoder-decoders, full or with an adapter."""
