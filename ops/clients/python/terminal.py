"""A real terminal: tmux runs a shell in it, types, and reads the screen."""

import os
import subprocess


class Terminal:
    """A terminal of so many columns and lines, with a bare bash in it."""

    def __init__(self, columns, lines):
        self.name = f"corelog-{os.getpid()}"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), "env", "PS1=ready> ", "bash", "--norc", "--noprofile")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *arguments):
        # A server of its own: nobody's configuration, nobody else's sessions.
        done = subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", *arguments], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.key("Enter")

    def key(self, key):
        self.tmux("send-keys", key)

    def screen(self):
        return self.tmux("capture-pane", "-p")
