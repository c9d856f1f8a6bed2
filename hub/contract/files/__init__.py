"""Files of the kit, as they are written into it. They stand alone: nothing of the hub in them."""
