#!/usr/bin/env python3
"""A real mail server, Exim, of one's own: it listens on a free port of 127.0.0.1, wants STARTTLS and a
login, and puts every mail into DIRECTORY/Maildir.

    exim_server.py DIRECTORY

Writes apps.json and ca.pem into DIRECTORY, says `ready`, and ends with the process that started it.
Exim runs as the caller, or as `nobody` where that is root.
"""

import json
import os
import pathlib
import pwd
import socket
import subprocess
import sys
import time

USER, PASSWORD = "robot", "open-sesame"

directory = pathlib.Path(sys.argv[1])
user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]

CONFIG = f"""
primary_hostname = mail.example.com
spool_directory = {directory}/spool
log_file_path = {directory}/spool/%slog
pid_file_path = {directory}/spool/pid
exim_user = {user.pw_uid}
exim_group = {user.pw_gid}
deliver_drop_privilege = true
never_users =
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {directory}/ca.pem
tls_privatekey = {directory}/ca.key
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
acl_smtp_rcpt = rcpt
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s

begin acl
rcpt:
  deny  message = log in first
        !authenticated = *
  deny  message = no such user
        local_parts = unknown
  accept

begin routers
everybody:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {directory}/Maildir
  maildir_format
  create_directory
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"""

(directory / "exim.conf").write_text(CONFIG)
(directory / "spool").mkdir()
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", directory / "ca.key", "-out", directory / "ca.pem"],
               stderr=subprocess.DEVNULL, check=True)
email = {"url": f"smtp://127.0.0.1:{port}", "user": USER, "password": PASSWORD, "from": "alerts@example.com",
         "fromName": "Chat \u00e4\u00f6\u00fc"}
apps = [{"appId": "a", "email": email}, {"appId": "b", "email": {**email, "password": "wrong"}}]
(directory / "apps.json").write_text(json.dumps({"apps": apps}))
before = []
if os.geteuid() == 0:
    for path in [directory, *directory.iterdir()]:
        os.chown(path, user.pw_uid, user.pw_gid)
    before = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
exim = subprocess.Popen([*before, "setpriv", "--pdeathsig", "TERM", "/usr/sbin/exim4", "-C",
                         directory / "exim.conf", "-bdf"], cwd="/")
while True:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        assert exim.poll() is None, "Exim does not start"
        time.sleep(0.05)
print("ready", flush=True)
exim.wait()
