"""What keeps a patient out of what a site sends: noise, masks, attacks and the gate before it."""
