// A receiver of webhooks that believes only what is signed.
//   npm install standardwebhooks
//   WEBHOOK_SECRET=whsec_... PORT=8080 node webhook-receiver.mjs
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET ?? '');
const mostBytes = 64 * 1024;

/** An event comes at least once: in a real service this is a table. */
const known = new Set();

const server = createServer(async (request, response) => {
  let event;
  try {
    // Every byte of the body is signed: it is verified as it came, and parsed afterwards.
    event = webhook.verify(await text(request), request.headers);
  } catch {
    response.writeHead(400).end();
    return;
  }
  // Answered before any work: whoever takes longer than 10 seconds is told again.
  response.writeHead(204).end();
  if (known.has(event.id)) return;
  known.add(event.id);
  console.log(`${event.type} ${event.data.id}`);
});

async function text(request) {
  const pieces = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > mostBytes) request.destroy();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () =>
  console.log(`Listening on port ${server.address().port}`),
);
