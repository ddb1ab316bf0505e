"""Compiling a system call filter once instead of in every container.

Called by bundle.py. crun compiles the profile anew for each container, which is half of a
container's start; it also accepts the finished program as an annotation. libseccomp is there
because crun needs it. Where anything is missing the caller hands over the profile itself, so the
filter is the same either way.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import functools
import os
from typing import Any

from drydock.runtime.seccomp import filter_for

ANNOTATION = "run.oci.seccomp_bpf_data"

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EPERM = 1
_COMPARISONS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
_UNKNOWN_CALL = -1


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@functools.cache
def compiled_filter(capabilities: frozenset[str]) -> str | None:
    """Return the filter of `seccomp.filter_for` as base64 of its program.

    None if it cannot be compiled here.
    """
    profile = filter_for(capabilities)
    if profile is None:
        return None
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(
        library.seccomp_init(
            ctypes.c_uint32(_action(profile["defaultAction"], profile.get("defaultErrnoRet")))
        )
    )
    if not context:
        return None
    try:
        program = _compile(library, context, profile)
    except OSError:
        # A libseccomp that does not know what the profile says: crun's own view decides.
        return None
    finally:
        library.seccomp_release(context)
    return base64.b64encode(program).decode()


def _compile(library: ctypes.CDLL, context: ctypes.c_void_p, profile: dict[str, Any]) -> bytes:
    for name in profile["architectures"]:
        token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        _check(library.seccomp_arch_add(context, ctypes.c_uint32(token)), -errno.EEXIST)
    for rule in profile["syscalls"]:
        action = ctypes.c_uint32(_action(rule["action"], rule.get("errnoRet")))
        comparisons = [_comparison(each) for each in rule.get("args") or ()]
        array = (_Comparison * len(comparisons))(*comparisons)
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number == _UNKNOWN_CALL or action.value == _action(
                profile["defaultAction"], profile.get("defaultErrnoRet")
            ):
                continue
            _check(
                library.seccomp_rule_add_array(context, action, number, len(comparisons), array),
                -errno.EEXIST,
            )
    descriptor = os.memfd_create("filter", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _check(library.seccomp_export_bpf(context, descriptor))
        os.lseek(descriptor, 0, os.SEEK_SET)
        return file.read()


def _action(name: str, number: int | None) -> int:
    if name == "SCMP_ACT_ALLOW":
        return _ALLOW
    return _ERRNO | (_EPERM if number is None else number)


def _comparison(argument: dict[str, Any]) -> _Comparison:
    return _Comparison(
        argument["index"],
        _COMPARISONS[argument["op"]],
        argument["value"],
        argument.get("valueTwo", 0),
    )


def _check(status: int, *tolerated: int) -> None:
    if status < 0 and status not in tolerated:
        raise OSError(-status, os.strerror(-status))
