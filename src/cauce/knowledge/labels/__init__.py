"""What labels say of a medicine, of two together, and what changed in them."""
