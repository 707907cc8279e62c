# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.ng.values import Encodable

def encode(value: Encodable, /) -> bytes: ...
