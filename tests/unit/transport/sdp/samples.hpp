// Offers as real peers make them, shortened where lines repeat, with made-up keys.
#pragma once

#include <string>
#include <string_view>

namespace parley::sdp {

// A sample is written with LF; the wire has CRLF.
inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  return at == std::string::npos ? "sample does not hold: " + std::string(what)
                                 : text.replace(at, what.size(), with);
}

inline constexpr std::string_view kFingerprint =
    "sha-256 CB:9E:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:3B";

inline const std::string kChromium = crlf(R"(v=0
o=- 4962303333179871722 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 6c2f0c3e-2d5f-4d52-9e9c-6c9e3f6f2f11
m=audio 54321 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:2999745851 1 udp 2122260223 192.0.2.2 54321 typ host generation 0 network-id 1
a=candidate:1510613869 1 udp 2122129151 0b3c1f9e-7f0b-4b6c-8a55-d9d9f1c1a9e1.local 54322 typ host generation 0 network-id 2
a=candidate:3231351491 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
a=ice-ufrag:nVyE
a=ice-pwd:4R4BhKvQZ8q2cGJvD6eGxMZb
a=ice-options:trickle
a=fingerprint:sha-256 CB:9E:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:3B
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:6c2f0c3e-2d5f-4d52-9e9c-6c9e3f6f2f11 1b5d2c79-37f6-4e0c-a0f0-2a9a4a3e6a10
a=rtcp-mux
a=rtcp-rsize
a=rtcp-xr:rcvr-rtt=all
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:2776395243 cname:YWxpY2VfY25hbWU
a=ssrc:2776395243 msid:6c2f0c3e-2d5f-4d52-9e9c-6c9e3f6f2f11 1b5d2c79-37f6-4e0c-a0f0-2a9a4a3e6a10
)");

// Firefox: fingerprint at the session level, a data channel in the group, hexadecimal ICE credentials.
inline const std::string kFirefox = crlf(R"(v=0
o=mozilla...THIS_IS_SDPARTA-128.0 5270339472190124581 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 CB:9E:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:3B
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:0f1e2d3c4b5a69788796a5b4c3d2e1f0
a=ice-ufrag:1a2b3c4d
a=mid:0
a=msid:{9a1b6f4e-4c4e-4a44-9a3b-26d7d2a7b1b2} {3d2f4f1c-9c3f-4b7e-8b36-6df1d9a0ce11}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000/1
a=setup:actpass
a=ssrc:1370265481 cname:{5a0b2e1c-1b6b-4bb8-a6ff-4a1f3e9b7d1a}
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=sendrecv
a=ice-pwd:0f1e2d3c4b5a69788796a5b4c3d2e1f0
a=ice-ufrag:1a2b3c4d
a=mid:1
a=setup:actpass
a=sctp-port:5000
a=max-message-size:1073741823
)");

// Safari with its camera on: video comes second.
inline const std::string kSafari = crlf(R"(v=0
o=- 3087341122412322334 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 7D7C0F1E-7B1C-4C0B-8F0E-3E6C9A0B8F52
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:9uB6
a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh+/
a=ice-options:trickle
a=fingerprint:sha-256 cb:9e:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:3b
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:7D7C0F1E-7B1C-4C0B-8F0E-3E6C9A0B8F52 5C7A9B1D-1C8F-4D2F-9E4B-54B8E2C1F0A9
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:9uB6
a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh+/
a=fingerprint:sha-256 cb:9e:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:3b
a=setup:actpass
a=mid:1
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=sendrecv
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack pli
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 3735928559 3735928560
a=ssrc:3735928559 cname:d2hvYW1p
)");

// ffmpeg -f rtp: what it prints behind "SDP:".
inline const std::string kFfmpeg = crlf(R"(v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 127.0.0.1
t=0 0
a=tool:libavformat 59.27.100
m=audio 40000 RTP/AVP 97
b=AS:64
a=rtpmap:97 opus/48000/2
a=fmtp:97 sprop-stereo=1
)");

// What a GStreamer user writes from the caps of rtpopuspay and the port of udpsrc.
inline const std::string kGStreamer = R"(v=0
o=- 1188340656180883 1 IN IP4 127.0.0.1
s=Session streamed by GStreamer
i=server
c=IN IP4 127.0.0.1
t=0 0
a=tool:GStreamer
a=type:broadcast
m=audio 40002 RTP/AVP 96
b=AS:64
a=rtpmap:96 OPUS/48000/2
a=framerate:50
a=fmtp:96 sprop-maxcapturerate=48000;sprop-stereo=0
a=ssrc:3405691582 cname:user1234@host-abcd
a=sendrecv
)";

// A telephone gateway: no a=rtpmap for static payload types (RFC 3551), ptime, RTCP beside RTP.
inline const std::string kGateway = crlf(R"(v=0
o=gw 1400 1400 IN IP4 198.51.100.7
s=call
c=IN IP4 198.51.100.7
t=0 0
m=audio 12000 RTP/AVP 8 0 101
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:60
)");

}  // namespace parley::sdp
