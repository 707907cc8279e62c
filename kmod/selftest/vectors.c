// SPDX-License-Identifier: GPL-2.0-or-later
#include "../uapi/rtpengine.h"
#include "vectors.h"

const struct rtpe_stream_vector rtpe_stream_vectors[] = {
	{ "RFC 3711 B.2", RTPE_CIPHER_AES_CM_128, "2b7e151628aed2a6abf7158809cf4f3c", "f0f1f2f3f4f5f6f7f8f9fafbfcfd0000",
	  "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0" },
	{ "RFC 3711 B.2, carry", RTPE_CIPHER_AES_CM_128, "2b7e151628aed2a6abf7158809cf4f3c",
	  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44" },
	{ "RFC 6188 7.1", RTPE_CIPHER_AES_CM_256, "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
	  "f0f1f2f3f4f5f6f7f8f9fafbfcfd0000",
	  "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31" },
	{ "RFC 6188 7.3", RTPE_CIPHER_AES_CM_192, "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
	  "f0f1f2f3f4f5f6f7f8f9fafbfcfd0000",
	  "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a474a40c77894bc17180202272a4c264d" },
	{ 0 },
};

const struct rtpe_kdf_vector rtpe_kdf_vectors[] = {
	{ "RFC 3711 B.3", "e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6",
	  "c61e7a93744f39ee10734afe3ff7a087", "cebe321f6ff7716b6fd4ab49af256a156d38baa4",
	  "30cbbc08863d8c85d49db34a9ae1" },
	{ "RFC 6188 7.2", "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
	  "3b04803de51ee7c96423ab5b78d2", "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
	  "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05", "fa31791685ca444a9e07c6c64e93" },
	{ "RFC 6188 7.4", "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1", "c8522f3acd4ce86d5add78edbb11",
	  "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
	  "2372b82d639b6d8503a47adc0a6c" },
	{ 0 },
};

#define GALLIA \
	"8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361" \
	"20696e207061727465732074726573"
#define LUNA \
	"81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
#define QUID_PRO_QUO "517569642070726f2071756f"
#define KEY_128 "000102030405060708090a0b0c0d0e0f"
#define KEY_256 KEY_128 "101112131415161718191a1b1c1d1e1f"

const struct rtpe_packet_vector rtpe_packet_vectors[] = {
	{ .name = "RFC 3711 B.1", .cipher = RTPE_CIPHER_AES_F8, .hmac = RTPE_HMAC_NULL, .session = true,
	  .key = "234829008467be186c3de14aae72d62c", .salt = "32f2870d", .mask = "11baae0dd132eb4d3968b41ffb278379",
	  .index = 0xd462564a5cbaull,
	  .plain = "806e5cba50681de55c62159970736575646f72616e646f6d6e6573732069732074"
		   "6865206e6578742062657374207468696e67",
	  .cipher_text = "806e5cba50681de55c621599019ce7a26e7854014a6366aa95d4eefd1ad4172a14"
			 "f9faf455b7f1d4b62bd08f562c0eef7c4802" },
	{ .name = "libsrtp RTP", .cipher = RTPE_CIPHER_AES_CM_128, .hmac = RTPE_HMAC_SHA1, .tag_len = 10,
	  .key = "e1f97a0d3e018be0d64fa32c06de4139", .salt = "0ec675ad498afeebb6960b3aabe6", .index = 0x1234,
	  .plain = "800f1234decafbadcafebabeabababababababababababababababab",
	  .cipher_text = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb" },
	{ .name = "libsrtp RTCP", .cipher = RTPE_CIPHER_AES_CM_128, .hmac = RTPE_HMAC_SHA1, .tag_len = 10, .rtcp = true,
	  .key = "e1f97a0d3e018be0d64fa32c06de4139", .salt = "0ec675ad498afeebb6960b3aabe6", .index = 1,
	  .plain = "81c8000bcafebabeabababababababababababababababab",
	  .cipher_text = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798" },
	{ .name = "RFC 7714 16.1", .cipher = RTPE_CIPHER_AES_GCM_128, .tag_len = 16, .session = true,
	  .key = KEY_128, .salt = QUID_PRO_QUO, .index = 0xf17b, .plain = GALLIA,
	  .cipher_text = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51"
			 "c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce" },
	{ .name = "RFC 7714 16.2", .cipher = RTPE_CIPHER_AES_GCM_256, .tag_len = 16, .session = true,
	  .key = KEY_256, .salt = QUID_PRO_QUO, .index = 0xf17b, .plain = GALLIA,
	  .cipher_text = "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276"
			 "ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13" },
	{ .name = "RFC 7714 17.1", .cipher = RTPE_CIPHER_AES_GCM_128, .tag_len = 16, .session = true, .rtcp = true,
	  .key = KEY_128, .salt = QUID_PRO_QUO, .index = 0x5d4, .plain = LUNA,
	  .cipher_text = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4c"
			 "e09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4" },
	{ .name = "RFC 7714 17.2", .cipher = RTPE_CIPHER_AES_GCM_256, .tag_len = 16, .session = true, .rtcp = true,
	  .key = KEY_256, .salt = QUID_PRO_QUO, .index = 0x5d4, .plain = LUNA,
	  .cipher_text = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be84"
			 "15f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4" },
	{ .name = "RFC 7714 17.3", .cipher = RTPE_CIPHER_AES_GCM_128, .tag_len = 16, .session = true, .rtcp = true,
	  .flags = RTPE_SRTP_UNENCRYPTED_RTCP, .key = KEY_128, .salt = QUID_PRO_QUO, .index = 0x5d4, .plain = LUNA,
	  .cipher_text = LUNA "841dd9683dd78ec92ae58790125f62b3000005d4" },
	{ .name = "RFC 7714 17.4", .cipher = RTPE_CIPHER_AES_GCM_256, .tag_len = 16, .session = true, .rtcp = true,
	  .flags = RTPE_SRTP_UNENCRYPTED_RTCP, .key = KEY_256, .salt = QUID_PRO_QUO, .index = 0x5d4, .plain = LUNA,
	  .cipher_text = LUNA "91db4afbfeee5a978fab4393ed2615fe000005d4" },
	{ 0 },
};
