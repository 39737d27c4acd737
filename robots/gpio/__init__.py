"""Two motors on a Raspberry Pi's pins, by gpiozero."""
