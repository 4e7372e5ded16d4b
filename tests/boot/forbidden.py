#!/usr/bin/env python3
"""Tries what a service has no business with: forbidden.py

Run as a service with the properties of another, as root, so that what refuses is the unit and no
file's permissions. Prints a line for each: "WHAT: allowed" or "WHAT: ERRNO".
"""
import ctypes
import errno
import os
import platform
import socket

LIBC = ctypes.CDLL(None, use_errno=True)
# x86_64, aarch64
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "init_module": (175, 105),
    "kexec_load": (246, 104), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "reboot": (169, 142), "swapon": (167, 224), "add_key": (248, 217), "keyctl": (250, 219),
    "mlock": (149, 228), "io_setup": (206, 0), "clock_settime": (227, 112), "sethostname": (170, 161),
    "syslog": (103, 116), "unshare": (272, 97), "setns": (308, 268), "personality": (135, 92),
    "acct": (163, 89), "quotactl": (179, 60), "chroot": (161, 51),
}
ARCH = 0 if platform.machine() == "x86_64" else 1
CLONE_NEW = {"user": 0x10000000, "mount": 0x20000, "network": 0x40000000}
RW, RWX, PRIVATE_ANONYMOUS = 3, 7, 0x22
STATE, LOGS, RUN = "/var/lib/forbidden", "/var/log/forbidden", "/run/forbidden"


def call(name, *arguments):
    ctypes.set_errno(0)
    if LIBC.syscall(ctypes.c_long(CALLS[name][ARCH]), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)


def executable(prot):
    libc_mmap = LIBC.mmap
    libc_mmap.restype = ctypes.c_void_p
    at = libc_mmap(None, 4096, prot, PRIVATE_ANONYMOUS, -1, 0)
    if at == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    if prot == RW and LIBC.mprotect(ctypes.c_void_p(at), 4096, 5) < 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def write(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("0")


def set_uid():
    path = STATE + "/setuid"
    write(path)
    os.chmod(path, 0o4755)


TRIES = {
    "write the state": lambda: write(STATE + "/new"),
    "write the log": lambda: write(LOGS + "/new"),
    "write the runtime folder": lambda: write(RUN + "/new"),
    "write a temporary file": lambda: write("/tmp/new"),
    "write /etc": lambda: write("/etc/new"),
    "write /usr": lambda: write("/usr/new"),
    "write /var/lib": lambda: write("/var/lib/new"),
    "write /var/log": lambda: write("/var/log/new"),
    "write /var/spool": lambda: write("/var/spool/new"),
    "write /home": lambda: write("/home/mary/new"),
    "read /home": lambda: open("/home/mary/mail", "rb").close(),
    "read /root": lambda: os.listdir("/root/there"),
    "see others' temporary files": lambda: os.stat("/tmp/theirs"),
    "see process 1": lambda: os.stat("/proc/1"),
    "read /proc/sys": lambda: os.stat("/proc/sys/kernel/hostname"),
    "write /proc/sys": lambda: write("/proc/sys/vm/swappiness"),
    "write /sys": lambda: write("/sys/kernel/mm/transparent_hugepage/enabled"),
    "make a control group": lambda: os.mkdir("/sys/fs/cgroup/new"),
    "open /dev/kmsg": lambda: open("/dev/kmsg", "rb").close(),
    "open /dev/mem": lambda: open("/dev/mem", "rb").close(),
    "open /dev/null": lambda: open("/dev/null", "wb").close(),
    "a device of its own": lambda: os.mknod(STATE + "/device", 0o20600, os.makedev(1, 1)),
    "set user id on a file": set_uid,
    "IPv4": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
    "IPv6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
    "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
    "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
    "the host of a virtual machine": lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close(),
    "the kernel's ciphers": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).close(),
    "port 53": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).bind(("127.0.0.9", 53)),
    "real-time priority": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "writable code": lambda: executable(RWX),
    "code out of data": lambda: executable(RW),
    "another personality": lambda: call("personality", 0x40000),
    "another user": lambda: os.setuid(1),
    "become nobody's group": lambda: os.setgroups([65534]),
    "lock memory": lambda: call("mlock", 0, 0),
}
for kind, flag in CLONE_NEW.items():
    TRIES[f"a {kind} namespace"] = lambda flag=flag: call("unshare", flag)
for name in ("ptrace", "process_vm_readv", "init_module", "kexec_load", "bpf", "perf_event_open",
             "userfaultfd", "mount", "umount2", "pivot_root", "reboot", "swapon", "add_key", "keyctl",
             "io_setup", "clock_settime", "sethostname", "syslog", "setns", "acct", "quotactl", "chroot"):
    TRIES[name] = lambda name=name: call(name, 0, 0, 0, 0, 0)

for what, attempt in TRIES.items():
    try:
        attempt()
        print(f"{what}: allowed")
    except OSError as error:
        print(f"{what}: {errno.errorcode.get(error.errno, error.errno)}")
print(f"{len(TRIES)} tried")
