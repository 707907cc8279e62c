# SPDX-License-Identifier: GPL-3.0-or-later
"""The alternative to the rule: packets taken at network devices."""
from tests.kernel.guest.abi import ADD_HOOK, DEL_HOOK, Control


def name(device: str) -> bytes:
    """rtpe_hook."""
    return device.encode().ljust(16, b"\0")


class Hook:
    """The table of an open control file takes packets from these devices, while inside `with`."""

    def __init__(self, control: Control, *devices: str) -> None:
        self.control, self.devices = control, devices

    def __enter__(self) -> "Hook":
        for device in self.devices:
            status = self.control.one(ADD_HOOK, name(device))
            assert status == 0, (device, status)
        return self

    def __exit__(self, *_: object) -> None:
        for device in self.devices:
            self.control.one(DEL_HOOK, name(device))
