/** Decodes images as the service does, one at a time: PUT brings one, POST decodes it and tells how that ended. */
import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { imageDecoder } from '../../src/media/image-decoder.ts';
import service, { AccountObject, JobObject } from '../../src/worker.ts';

const decode = imageDecoder({ jpeg: jpegModule, webp: webpModule });

let image = new Uint8Array(0);

export { AccountObject, JobObject };

export default {
  ...service,
  async fetch(request: Request): Promise<Response> {
    if (request.method === 'PUT') {
      image = new Uint8Array(await request.arrayBuffer());
      return new Response(null, { status: 204 });
    }
    try {
      await decode(image);
      return new Response('taken');
    } catch (error) {
      return new Response((error as { code?: string }).code ?? String(error));
    }
  },
};
