"""A private PostgreSQL for tests in Python: it listens on a socket in its own directory, and ends
with whoever started it."""

import os
import pwd
import subprocess
import time

POSTGRES = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True,
                          check=True).stdout.strip()


class Server:
    """Of the user postgres when we are root."""

    def __init__(self, directory):
        self.directory = directory
        self.before = ["env", "--chdir=/"]
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
            self.before += ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                            "--clear-groups"]
        subprocess.run([*self.before, f"{POSTGRES}/initdb", "-D", f"{directory}/data", "-U", "boss",
                        "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
                       stdout=subprocess.DEVNULL, check=True)
        self.process = subprocess.Popen(
            [*self.before, "setpriv", "--pdeathsig", "QUIT", f"{POSTGRES}/postgres", "-D",
             f"{directory}/data", "-c", "listen_addresses=", "-c",
             f"unix_socket_directories={directory}", "-c", "fsync=off"], stderr=subprocess.DEVNULL)

    def url(self, user, database):
        return f"host={self.directory} user={user} dbname={database}"

    def wait(self):
        while subprocess.run([f"{POSTGRES}/pg_isready", "-q", "-h", self.directory],
                             check=False).returncode != 0:
            assert self.process.poll() is None, "PostgreSQL does not start"
            time.sleep(0.05)

    def end(self):
        self.process.terminate()
        self.process.wait()


def say(url, sql):
    """Returns the rows, a text each."""
    done = subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url],
                          input=sql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{sql}\n{done.stderr}"
    return done.stdout.splitlines()
