"""Robot descriptions (URDF) that ship with the PyBullet world."""
