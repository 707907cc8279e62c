# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as they are on the wire, for the tests of this directory."""
from __future__ import annotations

SDP = (b"v=0\r\no=alice 77 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
       b"m=audio 41000 RTP/AVP 8 0\r\n")

OFFER = (b"d7:command5:offer7:call-id6:c-90018:from-tag2:A15:flagsl13:trust address9:symmetrice7:replacel6:origine"
         b"3:ICE6:remove3:sdp97:" + SDP + b"e")

PROXY_SDP = (b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
             b"m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")

# What a SIP proxy (Kamailio 5.6) sends for
# rtpengine_offer("replace-origin replace-session-connection ICE=remove RTP/AVP trust-address direction=int
# direction=ext")
PROXY_OFFER = (b"d8:supportsl10:load limite3:sdp%d:" % len(PROXY_SDP) + PROXY_SDP +
               b"3:ICE6:remove9:directionl3:int3:exte5:flagsl13:trust-addresse"
               b"7:replacel6:origin18:session-connectione18:transport-protocol7:RTP/AVP"
               b"7:call-id17:1-28563@127.0.0.113:received-froml3:IP49:127.0.0.1e"
               b"8:from-tag15:28563SIPpTag0017:command5:offere")
