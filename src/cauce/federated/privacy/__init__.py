"""What keeps a patient out of what a site sends: noise, masks, and the gate before it."""
