# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.sdp.fmtp import printed_fmtp
from controlplane.sdp.model import PayloadType


@pytest.mark.parametrize("received, printed", [
    (None, None),
    ("minptime=10;useinbandfec=1", "useinbandfec=1; minptime=10"),
    (" maxaveragebitrate=128000;stereo=1", "stereo=1; maxaveragebitrate=128000"),
    ("maxplaybackrate=16000; sprop-maxcapturerate=8000; minptime=20; cbr=0; usedtx=1; sprop-stereo=1",
     "sprop-stereo=1; usedtx=1; cbr=0; maxplaybackrate=16000; sprop-maxcapturerate=8000; minptime=20"),
    ("stereo=2; cbr=x; minptime=; usedtx", None),
    ("unknown=1", None),
    ("minptime=" + "9" * 5000, None),
])
def test_opus_is_rebuilt(received, printed):
    assert printed_fmtp(PayloadType(96, "Opus", 48000, 2, received)) == printed


def test_others_are_verbatim():
    assert printed_fmtp(PayloadType(101, "telephone-event", 8000, fmtp=" 0-15;x ")) == " 0-15;x "
