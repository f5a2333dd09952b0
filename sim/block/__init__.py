"""The disk, its request queue and the elevators (block/ of the kernel)."""
