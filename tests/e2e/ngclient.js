// SPDX-License-Identifier: GPL-3.0-or-later
// node ngclient.js TRANSPORT PORT COUNT: COUNT calls through the daemon with npm's rtpengine-client, all at once.
// Prints one line of JSON: for every call its replies, in order.
const { Client, TcpClient, WsClient } = require('rtpengine-client');

const [transport, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
console.log = () => {}; // the library tells how many bytes it got
const end = (result, status) => process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(status));

const timeout = 10000;
const client = {
  udp: () => new Client({ timeout, localAddress: '127.0.0.1' }),
  tcp: () => new TcpClient({ timeout, hostport: `127.0.0.1:${port}` }),
  ws: () => new WsClient({ timeout, url: `ws://127.0.0.1:${port}` }),
}[transport]();

const ask = (name, options) => (transport === 'udp'
  ? client[name]({ host: '127.0.0.1', port }, options) : client[name](options));

const body = (media) => `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${media} `
  + 'RTP/AVP 8 0\r\na=x-note:grüße\r\n';

async function call(number) {
  const words = { 'call-id': `npm-${transport}-${number}`, 'from-tag': 'a' };
  return [
    await ask('ping', {}),
    await ask('offer', { ...words, sdp: body(20000 + 2 * number), replace: ['origin'], ICE: 'remove' }),
    await ask('answer', { ...words, 'to-tag': 'b', sdp: body(40000 + 2 * number) }),
    await ask('query', words),
    await ask('list', { limit: 1000 }),
    await ask('delete', { ...words, 'delete-delay': 0 }),
    await ask('query', words),
  ];
}

client.on('error', (error) => end({ error: String(error) }, 1));
client.on('listening', async () => {
  try {
    // the TCP client knows no borders between replies: it has to ask one by one
    const calls = [];
    for (let number = 0; number < count; number += 1) {
      calls.push(transport === 'tcp' ? await call(number) : call(number));
    }
    end(await Promise.all(calls), 0);
  } catch (error) {
    end({ error: String(error) }, 1);
  }
});
