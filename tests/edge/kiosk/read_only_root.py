"""read_only_root.py FOLDER... -- COMMAND...: COMMAND may write to the folders and to nothing else.

To be run in a mount namespace of its own.
"""

import ctypes
import os
import sys

# Linux, include/uapi/linux/mount.h and asm-generic/unistd.h; in glibc only since 2.36.
SYS_MOUNT_SETATTR = 442
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 1
MS_BIND = 0x1000

libc = ctypes.CDLL(None, use_errno=True)


class MountAttributes(ctypes.Structure):
    _fields_ = (
        ("to_set", ctypes.c_uint64),
        ("to_clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def change(place: str, flags: int, attributes: MountAttributes) -> None:
    size = ctypes.sizeof(attributes)
    words = (AT_FDCWD, place.encode(), flags, ctypes.byref(attributes), size)
    check(libc.syscall(SYS_MOUNT_SETATTR, *words))


def main(words: list[str]) -> None:
    end = words.index("--")
    for folder in words[:end]:
        check(libc.mount(folder.encode(), folder.encode(), None, MS_BIND, None))
    change("/", AT_RECURSIVE, MountAttributes(to_set=MOUNT_ATTR_RDONLY))
    for folder in words[:end]:
        change(folder, 0, MountAttributes(to_clear=MOUNT_ATTR_RDONLY))
    os.execvp(words[end + 1], words[end + 1 :])  # noqa: S606 - what the test asked for


if __name__ == "__main__":
    main(sys.argv[1:])
