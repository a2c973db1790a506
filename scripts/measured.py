"""Runs a command and writes the processor time of all that it started to a file: measured.py FILE COMMAND…

Orphaned processes, such as those of a browser or of VS Code, would become init's children, and their time be lost.
Here they become children of this process (PR_SET_CHILD_SUBREAPER, prctl(2)), which waits for them. What outlives
the command is not counted. Exits with the status of the command, or 128 + the number of the signal that ended it.
"""

import ctypes
import os
import resource
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# Seconds for processes that end with the command.
PATIENCE = 1.0


def reap_ended():
    """Whether children are left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
        return True
    except ChildProcessError:
        return False


def main(file, command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.posix_spawnp(command[0], command, os.environ)
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        if pid == child:
            status = ended
    deadline = time.monotonic() + PATIENCE
    while reap_ended() and time.monotonic() < deadline:
        time.sleep(0.02)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(file, "w", encoding="ascii") as out:
        out.write(f"{used.ru_utime + used.ru_stime:.2f}\n")
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP):
        # The command decides what they mean.
        signal.signal(number, lambda *_: None)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
