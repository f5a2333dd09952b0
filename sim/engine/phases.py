"""What ``advance`` asks of Python when it returns, and what it finds done when called again."""

NONE = 0
ADVANCED = 1
"""Nothing is left to do up to the given time."""
SENT = 2
"""Resume the generator of the task of the stretch; say in SLEEP_* and FINISHED how it went."""
HANDED = 3
"""Act on STOP for the workload of the stretch."""
ALARM = 4
"""Do what alarm ALARM_NUMBER is for."""
RANG = ALARM
LOGS = 5
"""Empty the logs."""

DISK_ALARM = 0
"""The alarm that the kernels themselves act on."""
